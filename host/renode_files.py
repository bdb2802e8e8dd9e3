"""What Renode needs of a build: the platform, a script that makes the machine, a Robot test."""

from tinykit.codegen.render import render
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host.calls import Calls, find_calls
from tinykit.host.image import Image
from tinykit.host.toolchain import FIRMWARE
from tinykit.host.version import VERSION

_TIME = "tk_chip_time_us"  # what the linked application calls when the model has returned


def runs_in_renode(board: Board) -> bool:
    """Tell whether Renode runs the board's images: it has no USB device for the link."""
    return "renode" in board.emulators and not board.usb_device


def renode_files(
    image: Image, model: str, board: Board, build_id: str, linked: bool
) -> dict[str, str]:
    """Return renode.repl and renode.resc, and renode.robot, which verifies, if there is a link."""
    common = {"model": model, "board": board.name, "version": VERSION}
    mips = board.clock_hz // 1_000_000
    script = render(
        "renode.resc.j2",
        **common,
        mips=mips,
        vectors=board.app_address,
        timer=next((each.address for each in image.symbols if each.name == _TIME), None),
        marks=invoke_marks(image, f"{model}_invoke") if linked else [],
    )
    platform = (FIRMWARE / "chips" / f"{board.chip}.repl").read_text()
    files = {"renode.repl": platform, "renode.resc": script}
    if linked:
        files["renode.robot"] = render("renode.robot.j2", **common, mips=mips, build_id=build_id)
    return files


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
    timer = image.symbol(_TIME).address
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
