"""The generated files that tell C about the board and the build."""

from tinykit.codegen.render import render
from tinykit.core.board import Board, pin_number, usb_device_id


def board_files(board: Board, version: str) -> dict[str, str]:
    """Return board.h and memory.ld, by file name; the stack is all that the board allows."""
    common = {"board": board.name, "version": version, "source": f"{board.name}.toml"}
    header = render(
        "board.h.j2",
        **common,
        clock_hz=board.clock_hz,
        dcdc=int(board.power is not None and board.power.dcdc),
        tx_pin=_number(board.link.tx_pin),
        tx_pin_name=board.link.tx_pin,
        rx_pin=_number(board.link.rx_pin),
        rx_pin_name=board.link.rx_pin,
        baud=board.link.baud,
        usb=_usb(board) if board.usb_device else None,
    )
    return {"board.h": header, "memory.ld": memory_script(board, version, board.ram.stack_bytes)}


def memory_script(board: Board, version: str, stack_bytes: int) -> str:
    """Return memory.ld, with so much reserved for the stack."""
    return render(
        "memory.ld.j2",
        board=board.name,
        version=version,
        source=f"{board.name}.toml",
        app_address=board.app_address,
        app_bytes=board.app_bytes,
        ram_address=board.ram.address,
        ram_bytes=board.ram.bytes,
        stack_bytes=stack_bytes,
    )


def build_header(build_id: str, app: str, version: str) -> str:
    """Return build.h; the wire has 16 characters for the build id and 8 for the application."""
    assert len(build_id) == 16, build_id
    assert 0 < len(app) <= 8, app
    return render("build.h.j2", build_id=build_id, app=app, version=version)


def _usb(board: Board) -> dict[str, int]:
    """Return what the device says of itself: what a sketch of the board's own kit says."""
    vendor, product = usb_device_id(board)
    assert board.usb.bootloader_value is not None
    return {"vendor": vendor, "product": product, "bootloader": board.usb.bootloader_value}


def _number(pin: str | None) -> int | None:
    return None if pin is None else pin_number(pin)
