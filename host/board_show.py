"""Tables of boards, for people."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding

from tinykit.core.board import Board
from tinykit.core.units import grouped
from tinykit.host.console import plain
from tinykit.host.show import table


def boards(found: Sequence[Board]) -> RenderableType:
    """List boards below what must be said of them, with what an application has of their memory."""
    remarks = sorted({each.remark for each in found})
    return Group(*(_listed(remark, [b for b in found if b.remark == remark]) for remark in remarks))


def _listed(remark: str, found: Sequence[Board]) -> RenderableType:
    made = table("board", "", "core", "MHz", "flash KiB", "RAM KiB")
    made.title = remark or "have run on hardware"
    made.add_column("emulators")
    made.columns[0].no_wrap = True
    made.columns[1].no_wrap = False  # titles may be broken, names are to be typed
    made.columns[1].justify = "left"
    for each in found:
        made.add_row(
            each.name,
            each.title,
            each.cpu,
            f"{each.clock_hz / 1e6:g}",
            f"{each.app_bytes // 1024}",
            f"{each.ram.bytes // 1024}",
            " ".join(each.emulators),
        )
    return Padding(made, (0, 0, 1, 0))


def board(one: Board) -> RenderableType:
    """Show what a board's file says."""
    made = table("", title=f"{one.title} ({one.name})")
    made.add_column("")
    for name, text in _board_rows(one):
        made.add_row(name, text)
    return made


def facts(one: Board) -> dict[str, object]:
    """Return a board as plain values, with what must be said about it."""
    made = plain(one)
    assert isinstance(made, dict)
    return {**made, "remark": one.remark}


def _board_rows(one: Board) -> Iterator[tuple[str, str]]:
    flash, ram = one.flash, one.ram
    app_end = one.app_address + one.app_bytes
    yield "status", one.remark or "has run on hardware"
    yield "chip", f"{one.chip}, {one.cpu}, {one.float_abi} floats, {one.clock_hz / 1e6:g} MHz"
    yield "flash", _range(flash.address, flash.bytes)
    if flash.bootloader_bytes or flash.end_bytes:
        yield "  bootloader", _range(flash.address, flash.bootloader_bytes)
        if flash.end_bytes:
            yield "  kept for it", _range(app_end, flash.end_bytes)
        yield "  application", _range(one.app_address, one.app_bytes)
    if flash.boot2_bytes:
        yield "  second stage", f"{flash.boot2_bytes} bytes of the image, before its vectors"
    yield "RAM", f"{_range(ram.address, ram.bytes)}, stack at most {grouped(ram.stack_bytes)}"
    yield "link", _link_text(one)
    if one.usb.ids:
        yield "USB ids", " ".join(one.usb.ids)
    if one.usb.bootloader_ids:
        yield "  bootloader", " ".join(one.usb.bootloader_ids)
    if one.flasher is not None:
        drive = one.flasher.drive
        tool = one.flasher.tool if drive is None else f"copy to the drive {drive.label}"
        yield "flashing", f"{tool} (firmware.{one.flasher.image}). {one.flasher.first}"
    if one.power is not None and one.power.states:
        states = (f"{state.name} {state.typical_ua:g}" for state in one.power.states)
        yield "typical uA", f"{', '.join(states)}: docs/power.md"
    yield "emulators", " ".join(one.emulators) or "none"


def _range(address: int, size: int) -> str:
    return f"0x{address:08x} to 0x{address + size:08x}, {grouped(size)} bytes"


def _link_text(one: Board) -> str:
    if one.link.tx_pin is None:
        return f"{one.link.baud} baud"
    where = (
        "through the board's USB port" if one.link.usb else "needs a USB-to-serial adapter, 3.3 V"
    )
    if one.link.usual == "usb":
        where += "; usually the chip's own USB device instead: --link usb"
    return f"TX {one.link.tx_pin}, RX {one.link.rx_pin}, {one.link.baud} baud, {where}"
