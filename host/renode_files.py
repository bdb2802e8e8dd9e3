"""What Renode needs of a build: the platform, a script that makes the machine, a Robot test."""

from tinykit.codegen.render import render
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host.calls import Calls, find_calls
from tinykit.host.image import Image
from tinykit.host.toolchain import FIRMWARE
from tinykit.host.version import VERSION

_AFTER = "tk_chip_time_us"  # what the application calls when the model has returned


def renode_files(image: Image, model: str, board: Board, build_id: str) -> dict[str, str]:
    """Return renode.repl, renode.resc and renode.robot, by file name."""
    common = {"model": model, "board": board.name, "version": VERSION}
    mips = board.clock_hz // 1_000_000
    script = render(
        "renode.resc.j2",
        **common,
        mips=mips,
        vectors=board.app_address,
        marks=invoke_marks(image, f"{model}_invoke"),
    )
    test = render("renode.robot.j2", **common, mips=mips, build_id=build_id)
    platform = (FIRMWARE / "chips" / f"{board.chip}.repl").read_text()
    return {"renode.repl": platform, "renode.resc": script, "renode.robot": test}


def invoke_marks(image: Image, function: str) -> list[int]:
    """Return where the function starts, where its calls return to, and where it returns to."""
    returns = _calls(image, function).returns
    return [image.symbol(function).address, *returns, *_return_addresses(image)]


def function_ends_in_call(image: Image, function: str) -> bool:
    """Tell whether the function's last call takes its place."""
    return _calls(image, function).ends_in_call


def _calls(image: Image, function: str) -> Calls:
    symbol = image.symbol(function)
    start = symbol.address - image.load_address
    return find_calls(image.data[start : start + symbol.bytes], symbol.address, riscv=False)


def _return_addresses(image: Image) -> list[int]:
    """Return where the application goes on: behind a call of a pointer, before it asks the time."""
    timer = image.symbol(_AFTER).address
    found = []
    for symbol in image.symbols:
        if symbol.kind != "function" or symbol.section != ".text":
            continue
        calls = _calls(image, symbol.name)
        for i in range(len(calls.returns) - 1):
            if calls.targets[i] == -1 and calls.targets[i + 1] == timer:
                found.append(calls.returns[i])
    if not found:
        raise TinykitError("the image never calls its model", "report this with the model")
    return sorted(set(found))
