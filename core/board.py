"""Boards: what a TOML file says about a board, checked."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinykit.core.errors import TinykitError
from tinykit.core.files import PACKAGE_ROOT
from tinykit.core.toml_reader import TomlReader
from tinykit.core.units import grouped

BOARDS = PACKAGE_ROOT / "firmware" / "boards"
CHIPS = PACKAGE_ROOT / "firmware" / "chips"
_FAMILIES = ("cortex_m", "riscv")  # start-up of all chips, beside them
_PARTS = ("_rest", "_uart", "_usb")  # further files of a chip

CPUS = (
    "cortex_m0",
    "cortex_m0plus",
    "cortex_m3",
    "cortex_m4",
    "cortex_m7",
    "cortex_m33",
    "cortex_m33+dsp",
    "cortex_m55-mve",
    "riscv32",
)
NO_FPU = ("cortex_m0", "cortex_m0plus", "cortex_m3", "riscv32")
_ISA = {"cortex_m0": "armv6m", "cortex_m0plus": "armv6m", "riscv32": "riscv32"}  # others: armv7m
_WITH_DSP = ("cortex_m4", "cortex_m7", "cortex_m33+dsp", "cortex_m55-mve")
EMULATORS = ("unicorn", "qemu", "renode")
WIRES = ("uart", "usb")
# The CPU computes, its code in flash or in RAM; it waits for bytes; it sleeps with the slow clock
# or without, all RAM kept; it is off, and only a reset wakes it.
STATES = ("run_flash", "run_ram", "wait", "sleep_rtc", "sleep", "off")
FLOAT_ABIS = ("soft", "hard")
IMAGES = ("bin", "hex", "elf", "uf2")
DRIVE = "drive"  # as a flasher's tool: the image is copied to the drive that the board shows
_MAX_FLASH_BYTES = 64 << 20
_MAX_RAM_BYTES = 16 << 20
_PORT_PINS = 32
_STM32_PORT_PINS = 16
_BOOT2_BYTES = 256  # RP2040 datasheet 2.8.1.3: the boot ROM loads that much
_ADDRESS_END = 1 << 32


@dataclass(frozen=True, slots=True)
class Flash:
    """Describe the flash: the application starts where the bootloader ends.

    Attributes:
        wait_states: how many cycles at clock_hz the core waits for a fetch that nothing has cached
            or prefetched; None if the file does not say.
        address: where it starts.
        bytes: how large it is.
        bootloader_bytes: what the bootloader owns at its start.
        end_bytes: what the bootloader, or what it keeps for others, owns at its end.
        boot2_bytes: of a second boot stage that is part of the image, before the vector table.
    """

    address: int
    bytes: int
    bootloader_bytes: int
    wait_states: int | None = None
    end_bytes: int = 0
    boot2_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Ram:
    """Describe the RAM, and the most of it that a stack may take at its bottom.

    The build reserves what the image needs (host/sizes.py).
    """

    address: int
    bytes: int
    stack_bytes: int


@dataclass(frozen=True, slots=True)
class Link:
    """Describe the serial link; pins are named as in the chip's manual (P1.03, PG7, GP0).

    A board that only an emulator has may name none.

    Attributes:
        usb: the board's own USB port carries the link.
        usual: the wire that people expect where the chip has two, "usb" or "uart".
    """

    baud: int
    tx_pin: str | None = None
    rx_pin: str | None = None
    usb: bool = False
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class Usb:
    """Name the USB devices, "vid:pid", that a board shows itself as.

    Attributes:
        ids: while it runs, or its interface chip's.
        bootloader_ids: while its bootloader waits for an image.
        bootloader_value: what the bootloader wants to find after a reset to wait for an image
            (nRF52840: in GPREGRET). Given where the chip itself is the USB device, which the
            firmware can make a serial port.
    """

    ids: tuple[str, ...] = ()
    bootloader_ids: tuple[str, ...] = ()
    bootloader_value: int | None = None


@dataclass(frozen=True, slots=True)
class Drive:
    """Describe the drive that takes an image as a file.

    Attributes:
        label: its name.
        file: a file on it that tells whose drive it is.
        says: what that file says, a regular expression.
        uf2_family: what its blocks must name if it takes UF2; else 0.
    """

    label: str
    file: str
    says: str
    uf2_family: int = 0


@dataclass(frozen=True, slots=True)
class Flasher:
    """Describe how an image gets onto the board.

    Attributes:
        tool: the program, or "drive".
        image: which image it takes: bin, hex, elf or uf2.
        touch_baud: opening the port at this rate starts the bootloader; 0 when not needed.
        first: what the user has to do before, a sentence.
        arguments: the program's arguments, where {port}, {serial} and {image} stand for those.
        drive: where to copy the image, for the tool "drive".
    """

    tool: str
    image: str
    touch_baud: int
    first: str
    arguments: tuple[str, ...] = ()
    drive: Drive | None = None

    @property
    def probed(self) -> bool:
        """Tell whether it goes through a debug probe, not through the serial port."""
        return any("{serial}" in word for word in self.arguments)


@dataclass(frozen=True, slots=True)
class Current:
    """Hold what the chip draws in a state, or what a peripheral adds; at 3 V and 25 degrees.

    Attributes:
        name: of the state or the peripheral.
        typical_ua: microamperes.
        source: the manual's table, or where else the figure comes from.
        maximum_ua: the most, where the manual says it.
        wake_us: how long it takes from this state until the CPU computes.
        wake_nc: the charge that this takes, in nanocoulombs.
        checked: somebody has compared the figure with the manual; else it is from memory.
    """

    name: str
    typical_ua: float
    source: str
    maximum_ua: float | None = None
    wake_us: float | None = None
    wake_nc: float | None = None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Power:
    """Describe how the chip is supplied, and what it draws: docs/power.md.

    Attributes:
        dcdc: the converter may be used, its inductor is there.
        states: of STATES, each at most once.
        peripherals: what each adds while it is on.
    """

    dcdc: bool
    states: tuple[Current, ...] = ()
    peripherals: tuple[Current, ...] = ()


@dataclass(frozen=True, slots=True)
class Qemu:
    """Describe how QEMU is to emulate the board.

    Attributes:
        machine: QEMU's name of it.
    """

    machine: str


@dataclass(frozen=True, slots=True)
class Board:
    """Hold the facts of one board; boards that only an emulator has are not flashed."""

    name: str
    title: str
    chip: str
    cpu: str
    float_abi: str
    clock_hz: int
    emulators: tuple[str, ...]
    flash: Flash
    ram: Ram
    link: Link
    ran_on_hardware: bool = False
    usb: Usb = Usb()
    flasher: Flasher | None = None
    power: Power | None = None
    qemu: Qemu | None = None

    @property
    def core(self) -> str:
        """Return the core without what is added to or missing from it: cortex_m33."""
        return re.split(r"[+-]", self.cpu)[0]

    @property
    def dsp(self) -> bool:
        """Tell whether the core has the DSP instructions of Armv7E-M or Armv8-M."""
        return self.cpu in _WITH_DSP

    @property
    def isa(self) -> str:
        """Return the instructions that every core of its kind has: armv6m, armv7m or riscv32."""
        return _ISA.get(self.core, "armv7m")

    @property
    def usb_device(self) -> bool:
        """Tell whether the firmware itself is the USB device that carries the link."""
        return self.link.usb and self.usb.bootloader_value is not None

    @property
    def app_address(self) -> int:
        """Return where the application starts in flash."""
        return self.flash.address + self.flash.bootloader_bytes

    @property
    def app_bytes(self) -> int:
        """Return how much flash the application may fill."""
        return self.flash.bytes - self.flash.bootloader_bytes - self.flash.end_bytes

    @property
    def vectors_address(self) -> int:
        """Return where the application's vector table lies."""
        return self.app_address + self.flash.boot2_bytes

    @property
    def remark(self) -> str:
        """Return what must be said wherever the board is listed, or nothing."""
        if self.flasher is None:
            return "only in an emulator"
        return "" if self.ran_on_hardware else "not yet run on hardware"


def linked_by(board: Board, wire: str) -> Board:
    """Return the board with its link over "usb" or "uart".

    Raises:
        TinykitError: it has no such wire.
    """
    if wire not in WIRES:
        raise TinykitError(f"no link '{wire}'", f"--link {' or '.join(WIRES)}")
    if board.usb.bootloader_value is None:
        if wire == "usb" and not board.link.usb:
            raise TinykitError(
                f"the chip of {board.name} is no USB device that tinykit knows",
                "--link uart, which its USB port may carry all the same: tinykit boards",
            )
        return board  # its interface chip may carry the UART over USB
    return replace(board, link=replace(board.link, usb=wire == "usb"))


def usb_device_id(board: Board) -> tuple[int, int]:
    """Return vendor and product of the device that the firmware makes of the board."""
    vendor, product = board.usb.ids[0].split(":")
    return int(vendor, 16), int(product, 16)


def pin_number(name: str) -> int:
    """Return port * pins of a port + pin, for P1.03 (Nordic), PG7 (ST) and GP0 (RP2040)."""
    for pattern, pins in ((r"P(\d)\.(\d\d)", _PORT_PINS), (r"P([A-I])(\d\d?)", _STM32_PORT_PINS)):
        match = re.fullmatch(pattern, name)
        if match is not None and int(match[2]) < pins:
            port = int(match[1]) if match[1].isdigit() else ord(match[1]) - ord("A")
            return port * pins + int(match[2])
    if re.fullmatch(r"GP(\d|[12]\d)", name):
        return int(name[2:])
    raise ValueError(name)


def chips() -> list[str]:
    """Return the chips that firmware/ has a driver for."""
    stems = sorted(path.stem for path in CHIPS.glob("*.c"))
    return [stem for stem in stems if stem not in _FAMILIES and not stem.endswith(_PARTS)]


def board_paths(folder: Path | None = None) -> dict[str, Path]:
    """Return the board files by name, sorted; a user's folder comes before ours."""
    folders = [BOARDS] if folder is None else [BOARDS, folder]
    found = {path.stem: path for each in folders for path in each.glob("*.toml")}
    return dict(sorted(found.items()))


def find_board(name: str, folder: Path | None = None) -> Board:
    """Load the board of that name.

    Raises:
        TinykitError: no such board, or its file is wrong.
    """
    paths = board_paths(folder)
    if name not in paths:
        near = difflib.get_close_matches(name, paths, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(near)}? all: tinykit boards" if near else "tinykit boards"
        )
        raise TinykitError(f"no board '{name}'", hint)
    return load_board(paths[name])


def load_board(path: Path) -> Board:
    """Read and check one board file.

    Raises:
        TinykitError: not readable, a missing, unknown or mistyped key, or an absurd number.
    """
    reader = TomlReader(f"{path.parent.name}/{path.name}", "compare boards/nano33.toml")
    table = reader.parse(path)
    board = _board(reader, table)
    _check(reader, board, path.stem)
    return board


def _board(reader: TomlReader, top: Mapping[str, object]) -> Board:
    reader.keys(top, "", Board)
    return Board(
        name=reader.text(top, "name"),
        title=reader.text(top, "title"),
        chip=reader.text(top, "chip"),
        cpu=reader.text(top, "cpu"),
        float_abi=reader.text(top, "float_abi"),
        clock_hz=reader.integer(top, "clock_hz"),
        emulators=reader.texts(top, "emulators"),
        flash=_flash(reader, top),
        ram=_ram(reader, top),
        link=_link(reader, top),
        ran_on_hardware=(
            reader.truth(top, "ran_on_hardware") if "ran_on_hardware" in top else False
        ),
        usb=_usb(reader, top) if "usb" in top else Usb(),
        flasher=_flasher(reader, top) if "flasher" in top else None,
        power=_power(reader, top) if "power" in top else None,
        qemu=_qemu(reader, top) if "qemu" in top else None,
    )


def _flash(reader: TomlReader, top: Mapping[str, object]) -> Flash:
    table = reader.table(top, "flash", Flash)
    return Flash(
        address=reader.integer(table, "flash.address"),
        bytes=reader.integer(table, "flash.bytes"),
        bootloader_bytes=reader.integer(table, "flash.bootloader_bytes"),
        wait_states=reader.integer(table, "flash.wait_states") if "wait_states" in table else None,
        end_bytes=reader.integer(table, "flash.end_bytes") if "end_bytes" in table else 0,
        boot2_bytes=reader.integer(table, "flash.boot2_bytes") if "boot2_bytes" in table else 0,
    )


def _ram(reader: TomlReader, top: Mapping[str, object]) -> Ram:
    table = reader.table(top, "ram", Ram)
    return Ram(
        address=reader.integer(table, "ram.address"),
        bytes=reader.integer(table, "ram.bytes"),
        stack_bytes=reader.integer(table, "ram.stack_bytes"),
    )


def _link(reader: TomlReader, top: Mapping[str, object]) -> Link:
    table = reader.table(top, "link", Link)
    return Link(
        baud=reader.integer(table, "link.baud"),
        tx_pin=reader.text(table, "link.tx_pin") if "tx_pin" in table else None,
        rx_pin=reader.text(table, "link.rx_pin") if "rx_pin" in table else None,
        usb=reader.truth(table, "link.usb") if "usb" in table else False,
        usual=reader.text(table, "link.usual") if "usual" in table else None,
    )


def _usb(reader: TomlReader, top: Mapping[str, object]) -> Usb:
    table = reader.table(top, "usb", Usb)
    has_value = "bootloader_value" in table
    return Usb(
        ids=reader.texts(table, "usb.ids") if "ids" in table else (),
        bootloader_ids=(
            reader.texts(table, "usb.bootloader_ids") if "bootloader_ids" in table else ()
        ),
        bootloader_value=reader.integer(table, "usb.bootloader_value") if has_value else None,
    )


def _flasher(reader: TomlReader, top: Mapping[str, object]) -> Flasher:
    table = reader.table(top, "flasher", Flasher)
    return Flasher(
        tool=reader.text(table, "flasher.tool"),
        image=reader.text(table, "flasher.image"),
        touch_baud=reader.integer(table, "flasher.touch_baud"),
        first=reader.text(table, "flasher.first"),
        arguments=reader.texts(table, "flasher.arguments") if "arguments" in table else (),
        drive=_drive(reader, table) if "drive" in table else None,
    )


def _drive(reader: TomlReader, flasher: Mapping[str, object]) -> Drive:
    table = reader.table(flasher, "drive", Drive)
    return Drive(
        label=reader.text(table, "drive.label"),
        file=reader.text(table, "drive.file"),
        says=reader.text(table, "drive.says"),
        uf2_family=reader.integer(table, "drive.uf2_family") if "uf2_family" in table else 0,
    )


def _power(reader: TomlReader, top: Mapping[str, object]) -> Power:
    table = reader.table(top, "power", Power)
    return Power(
        dcdc=reader.truth(table, "power.dcdc"),
        states=_currents(reader, table, "states", STATES),
        peripherals=_currents(reader, table, "peripherals", ()),
    )


def _currents(
    reader: TomlReader, power: Mapping[str, object], key: str, names: Sequence[str]
) -> tuple[Current, ...]:
    found: list[Current] = []
    for table in reader.tables(power, f"power.{key}", Current):
        prefix = f"power.{key}."
        optional = {
            name: reader.number(table, prefix + name) if name in table else None
            for name in ("maximum_ua", "wake_us", "wake_nc")
        }
        current = Current(
            name=reader.text(table, f"{prefix}name"),
            typical_ua=reader.number(table, f"{prefix}typical_ua"),
            source=reader.text(table, f"{prefix}source"),
            checked=reader.truth(table, f"{prefix}checked") if "checked" in table else False,
            **optional,
        )
        if names:
            _one_of(reader, f"{prefix}name", current.name, names)
        if current.name in [each.name for each in found]:
            raise reader.error(f"power.{key} has '{current.name}' twice", "keep one of them")
        if current.maximum_ua is not None and current.maximum_ua < current.typical_ua:
            message = f"{prefix}maximum_ua is {current.maximum_ua:g}, typical_ua more"
            raise reader.error(message, "did they change places?")
        found.append(current)
    return tuple(found)


def _qemu(reader: TomlReader, top: Mapping[str, object]) -> Qemu:
    return Qemu(reader.text(reader.table(top, "qemu", Qemu), "qemu.machine"))


def _check(reader: TomlReader, board: Board, stem: str) -> None:
    if board.name != stem:
        raise reader.error(f"name is '{board.name}'", f"name it as its file: {stem}")
    if len(board.name) > 24 or not re.fullmatch(r"[a-z][a-z0-9_]*", board.name):
        hint = "small letters, digits and _, at most 24"
        raise reader.error(f"name '{board.name}' is not usable", hint)
    _one_of(reader, "cpu", board.cpu, CPUS)
    _one_of(reader, "chip", board.chip, chips())
    _one_of(reader, "float_abi", board.float_abi, FLOAT_ABIS)
    if board.float_abi == "hard" and board.core in NO_FPU:
        raise reader.error(f"float_abi is 'hard', {board.cpu} has no FPU", 'float_abi = "soft"')
    _check_usb(reader, board.usb)
    if board.flasher is not None:
        _check_flasher(reader, board.flasher)
    _check_emulators(reader, board)
    _between(reader, "clock_hz", board.clock_hz, 32_768, 1_000_000_000, "hertz, not megahertz")
    _between(reader, "link.baud", board.link.baud, 1_200, 12_000_000, "bits a second")
    _check_flash(reader, board.flash)
    _check_ram(reader, board.ram)
    _check_usual(reader, board)
    _check_pins(reader, board.link, needed=board.flasher is not None)


def _one_of(reader: TomlReader, key: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise reader.error(f"{key} is '{value}'", f"known: {', '.join(known)}")


def _between(reader: TomlReader, key: str, value: int, low: int, high: int, hint: str) -> None:
    if not low <= value <= high:
        allowed = f"{grouped(low)} to {grouped(high)}"
        raise reader.error(f"{key} is {value}, outside {allowed}", hint)


def _check_size(reader: TomlReader, key: str, value: int, most: int) -> None:
    if value > most:
        raise reader.error(f"{key} is {value}, more than any Cortex-M has", "bytes, not bits")
    if value < 1024:
        raise reader.error(f"{key} is {value}, less than any Cortex-M has", "bytes, not kilobytes")


def _check_flash(reader: TomlReader, flash: Flash) -> None:
    _check_size(reader, "flash.bytes", flash.bytes, _MAX_FLASH_BYTES)
    _check_end(reader, "flash", flash.address + flash.bytes)
    if flash.wait_states is not None:
        _between(reader, "flash.wait_states", flash.wait_states, 0, 15, "cycles of clock_hz")
    boot = flash.bootloader_bytes
    if boot + flash.end_bytes >= flash.bytes:
        end = f" and flash.end_bytes {flash.end_bytes}" if flash.end_bytes else ""
        message = f"flash.bootloader_bytes is {boot}{end}, flash.bytes is {flash.bytes}"
        raise reader.error(message, "the bootloader must leave room for the application")
    if flash.boot2_bytes not in (0, _BOOT2_BYTES):
        message = f"flash.boot2_bytes is {flash.boot2_bytes}"
        raise reader.error(message, f"{_BOOT2_BYTES} where the chip's boot ROM wants it, else none")
    if (flash.address + boot) % 128:
        message = f"the application would start at 0x{flash.address + boot:08x}"
        raise reader.error(message, "a vector table needs a multiple of 128")


def _check_ram(reader: TomlReader, ram: Ram) -> None:
    _check_size(reader, "ram.bytes", ram.bytes, _MAX_RAM_BYTES)
    _check_end(reader, "ram", ram.address + ram.bytes)
    if ram.stack_bytes % 8 or not 512 <= ram.stack_bytes < ram.bytes:
        message = f"ram.stack_bytes is {ram.stack_bytes}, ram.bytes is {ram.bytes}"
        raise reader.error(message, "a multiple of 8, at least 512, less than the RAM")


def _check_end(reader: TomlReader, key: str, end: int) -> None:
    if end > _ADDRESS_END:
        raise reader.error(f"{key} ends at 0x{end:x}", "addresses have 32 bits")


def _check_usb(reader: TomlReader, usb: Usb) -> None:
    for key, ids in (("usb.ids", usb.ids), ("usb.bootloader_ids", usb.bootloader_ids)):
        for each in ids:
            if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", each):
                raise reader.error(f"{key} holds '{each}'", 'write them as lsusb does: "2341:005a"')


def _check_usual(reader: TomlReader, board: Board) -> None:
    if board.link.usual is None:
        return
    _one_of(reader, "link.usual", board.link.usual, WIRES)
    if board.usb.bootloader_value is None:
        hint = "leave it out, or give usb.bootloader_value where the chip itself is the USB device"
        raise reader.error(f"link.usual is '{board.link.usual}', and there is one wire", hint)


def _check_flasher(reader: TomlReader, flasher: Flasher) -> None:
    _one_of(reader, "flasher.image", flasher.image, IMAGES)
    if (flasher.tool == DRIVE) != (flasher.drive is not None):
        raise reader.error(
            f"flasher.tool is '{flasher.tool}', and there is "
            + ("no [flasher.drive]" if flasher.drive is None else "a [flasher.drive]"),
            'tool = "drive" copies to the drive of that table',
        )
    if flasher.image == "uf2" and (flasher.drive is None or not flasher.drive.uf2_family):
        hint = "families: github.com/microsoft/uf2, utils/uf2families.json"
        raise reader.error("drive.uf2_family is missing", hint)


def _check_emulators(reader: TomlReader, board: Board) -> None:
    for emulator in board.emulators:
        _one_of(reader, "emulators", emulator, EMULATORS)
    if "qemu" in board.emulators and board.qemu is None:
        raise reader.error("qemu.machine is missing", "its names: qemu-system-arm -machine help")


def _check_pins(reader: TomlReader, link: Link, needed: bool) -> None:
    if link.tx_pin is None and link.rx_pin is None and not needed:
        return
    for key, pin in (("link.tx_pin", link.tx_pin), ("link.rx_pin", link.rx_pin)):
        if pin is None:
            raise reader.error(f"{key} is missing", "name both pins or none")
        try:
            pin_number(pin)
        except ValueError:
            hint = "port and pin as in P1.03, PG7 or GP0"
            raise reader.error(f"{key} is '{pin}'", hint) from None
    if link.tx_pin == link.rx_pin:
        raise reader.error(f"link.tx_pin and link.rx_pin are both '{link.tx_pin}'", "use two pins")
