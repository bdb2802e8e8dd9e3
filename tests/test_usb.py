"""The firmware's USB serial port, on a model of the chip's controller with a host at its cable."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Tinykit
from firmware_image import STUB_MODEL, build_stub
from hypothesis import given, settings
from hypothesis import strategies as st
from models import MODELS, shared_model

from tinykit.core.board import (
    WIRES,
    Board,
    board_paths,
    find_board,
    linked_by,
    load_board,
    pin_number,
    usb_device_id,
)
from tinykit.core.errors import TinykitError
from tinykit.host.frame import Frame, FrameDecoder, FrameType, encode
from tinykit.host.image import read_image
from tinykit.host.link import Link
from tinykit.host.nrf52840 import CLOCK_HZ, NRF52840, LinkFacts
from tinykit.host.registers import RefusedError
from tinykit.host.split import Split
from tinykit.host.toolchain import find_toolchain
from tinykit.host.unicorn_emulator import UnicornEmulator

unicorn_cpu = pytest.importorskip("tinykit.host.unicorn_cpu")
usb_host = pytest.importorskip("tinykit.host.usb_host")

BOARD = linked_by(find_board("nano33"), "usb")
USB_BOARDS = ["nano33", "xiao_nrf52840"]
NOWHERE = Split(range(0), range(0), frozenset())  # nothing is counted
HELLO = Frame(FrameType.HELLO, 1, 0, b"")
# Fault at the first inference.
FAULTY = STUB_MODEL.read_text().replace(
    "    for (uint16_t layer", '    __asm__ volatile("udf #0");\n    for (uint16_t layer', 1
)


class Bench:
    """Hold a board without a child process around it, so that a test holds the cable's end."""

    def __init__(self, elf: Path, board: Board = BOARD) -> None:
        self.read_end, write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        image = unicorn_cpu.load_image(elf)
        pins = [pin_number(pin or "") for pin in (board.link.tx_pin, board.link.rx_pin)]
        usb = usb_device_id(board) if board.usb_device else None
        facts = LinkFacts(pins[0], pins[1], board.link.baud, usb)
        self.machine = unicorn_cpu.Machine(image, facts, NOWHERE, NRF52840, write_end)
        self._write_end = write_end
        self.decoder = FrameDecoder()
        self.settle()

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self._write_end)

    @property
    def chip(self) -> "unicorn_cpu.Nrf52840":
        return self.machine.chip

    @property
    def host(self) -> "usb_host.UsbHost":
        return self.chip.usb

    def settle(self) -> None:
        """Run until only the host could change anything."""
        assert self.machine.run()

    def do(self, script: "usb_host.Step") -> bytes:
        """Run a script of control transfers to its end, and return its answer."""
        answers: list[bytes] = []

        def collect() -> "usb_host.Step":
            answers.append((yield from script))
            return b""

        self.host.run(collect())
        self.go_on()
        assert self.host.idle and answers
        return answers[0]

    def go_on(self) -> None:
        """Let the board see what has changed outside of it."""
        if self.machine.sleep_on():
            self.settle()

    def ask(self, frame: Frame) -> list[Frame]:
        """Send a request, and return what has come."""
        self.machine.receive(encode(frame))
        self.go_on()
        return self.received()

    def write_input(self) -> None:
        """Begin a session, and write the input of the stub model."""
        self.ask(HELLO)
        for offset in range(0, 600, 200):
            (answer,) = self.ask(Frame(FrameType.WRITE, 1, offset, bytes(200)))
            assert answer.type == FrameType.WRITE | 0x80

    def received(self) -> list[Frame]:
        """Return the frames that have come."""
        try:
            return self.decoder.feed(os.read(self.read_end, 1 << 16))
        except BlockingIOError:
            return []


@pytest.fixture(scope="module", params=["zig", "gcc"])
def elf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("usb")
    return build_stub(find_toolchain(request.param), BOARD, work)


@pytest.fixture
def bench(elf: Path) -> Iterator[Bench]:
    bench = Bench(elf)
    yield bench
    bench.close()


def test_linux_finds_a_serial_port(bench: Bench) -> None:
    device = bench.host.descriptors[usb_host.DEVICE, 0]
    texts = [bench.host.descriptors[3, i][2:].decode("utf-16-le") for i in device[14:17]]
    assert texts == ["tinykit", "nano33", "0123456789ABCDEF"]
    assert bench.host.open


def test_requests_are_answered(bench: Bench) -> None:
    (answer,) = bench.ask(HELLO)
    assert answer.type == FrameType.HELLO | 0x80
    assert bench.machine.counters()["notes"] == []


def test_a_transfer_ends_with_a_short_packet(bench: Bench) -> None:
    lengths: list[int] = []
    take = bench.chip.usbd.take

    def watched(endpoint: int) -> bytes | None:
        packet = take(endpoint)
        if packet is not None and endpoint == 2:
            lengths.append(len(packet))
        return packet

    bench.chip.usbd.take = watched  # type: ignore[method-assign]
    bench.write_input()
    bench.ask(Frame(FrameType.RUN, 1, 0, b""))
    empty = 0
    for payload in range(40, 110):
        lengths.clear()
        (answer,) = bench.ask(Frame(FrameType.READ, 1, 0, payload.to_bytes(2, "little")))
        assert len(answer.payload) == payload
        assert all(length == 64 for length in lengths[:-1]) and lengths[-1] < 64
        assert sum(lengths) == len(encode(answer))
        empty += lengths[-1] == 0
    assert empty == 1  # the frame of 128 bytes


def test_an_unplugged_board_comes_back(bench: Bench) -> None:
    bench.machine.receive(encode(HELLO)[:20])
    bench.chip.clock.unplug()
    bench.go_on()
    assert not bench.host.open and not bench.chip.usbd.pulled_up
    bench.chip.clock.plug()
    bench.go_on()
    assert bench.host.open
    assert [frame.type for frame in bench.ask(HELLO)] == [FrameType.HELLO | 0x80]


@pytest.mark.parametrize("wire", WIRES)
def test_a_board_sleeps_between_frames(wire: str, tmp_path: Path) -> None:
    board = linked_by(BOARD, wire)
    bench = Bench(build_stub(find_toolchain("zig"), board, tmp_path), board)
    for _ in range(10):  # a frame a second
        bench.chip.schedule.after(CLOCK_HZ, lambda: bench.machine.receive(encode(HELLO)))
        bench.go_on()
    counters, answers = bench.machine.counters(), bench.received()
    bench.close()

    assert [answer.type for answer in answers] == 10 * [FrameType.HELLO | 0x80]
    assert counters["elapsed_cycles"] > 10 * CLOCK_HZ
    assert counters["sleep_share"] > 0.99


def test_a_suspended_board_goes_on_where_it_was(bench: Bench) -> None:
    bench.chip.usbd.suspend()
    bench.go_on()
    assert not bench.chip.clock.crystal
    bench.machine.receive(encode(HELLO))
    bench.go_on()
    assert bench.received() == []
    bench.chip.usbd.resume()
    bench.host.wake()
    bench.go_on()
    assert bench.chip.clock.crystal
    assert [frame.type for frame in bench.received()] == [FrameType.HELLO | 0x80]


def test_a_suspended_board_can_be_reset_or_unplugged(bench: Bench) -> None:
    bench.chip.usbd.suspend()
    bench.go_on()
    bench.do(bench.host.enumerate_device())
    bench.chip.usbd.suspend()
    bench.go_on()
    bench.chip.clock.unplug()
    bench.go_on()
    bench.chip.clock.plug()
    bench.go_on()
    assert bench.ask(HELLO)


def test_an_answer_that_nobody_fetches_does_not_block_the_next_program(bench: Bench) -> None:
    bench.host.open = False
    bench.chip.usbd.give(2, encode(HELLO)[:64])
    bench.go_on()
    bench.do(bench.host.close_port())
    bench.do(bench.host.open_port(115_200))
    bench.received()
    bench.decoder.reset()
    assert [frame.type for frame in bench.ask(HELLO)][-1:] == [FrameType.HELLO | 0x80]


@pytest.mark.parametrize("name", USB_BOARDS)
def test_the_touch_enters_the_bootloader(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = linked_by(find_board(name), "usb")
    bench = Bench(build_stub(find_toolchain("zig"), board, tmp_path), board)
    left: list[tuple[int, int]] = []
    reset = bench.machine.reset

    def look(reasons: int) -> None:
        chip = bench.chip
        left.append((chip.clock.values["GPREGRET"], chip.watchdog.unfed_cycles))
        reset(reasons)

    monkeypatch.setattr(bench.machine, "reset", look)
    for baud in (9_600, 1_200):
        assert not left
        bench.do(bench.host.close_port())
        bench.do(bench.host.open_port(baud))
        bench.host.run(bench.host.close_port())
        bench.go_on()

    ((value, unfed_cycles),) = left
    assert value == board.usb.bootloader_value
    assert unfed_cycles < CLOCK_HZ // 1000  # the bootloader has all of the watchdog's time
    assert bench.chip.watchdog.values["RUNSTATUS"]
    bench.close()


def test_requests_are_answered_while_the_model_computes(tmp_path: Path) -> None:
    loop = "for (volatile uint32_t n = 0; n < 3000000u; n++) {\n    }\n    "
    slow = STUB_MODEL.read_text().replace("for (uint16_t layer", loop + "for (uint16_t layer", 1)
    bench = Bench(build_stub(find_toolchain("zig"), BOARD, tmp_path, slow))
    bench.write_input()
    asked: list[bool] = []

    def ask(_signal: int, _frame: object) -> None:
        if not asked:
            bench.host.run(bench.host.control(usb_host.descriptor(1, 0, 18)))
        asked.append(bench.host.idle)
        bench.machine.profiler.stop_soon()

    before = signal.signal(signal.SIGALRM, ask)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        answers = bench.ask(Frame(FrameType.RUN, 1, 0, b""))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    bench.close()
    assert True in asked  # the host had its descriptor long before the answer
    assert [frame.type for frame in answers] == [FrameType.RUN | 0x80]


def test_a_fault_is_reported(tmp_path: Path) -> None:
    bench = Bench(build_stub(find_toolchain("zig"), BOARD, tmp_path, FAULTY))
    bench.write_input()
    bench.machine.receive(encode(Frame(FrameType.RUN, 1, 0, b"")))
    bench.machine.sleep_on()
    bench.machine.run()
    assert [frame.type for frame in bench.received()] == [FrameType.FAULT]
    bench.close()


REQUESTS = st.one_of(
    st.builds(
        usb_host.Request,
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.integers(0, 300),
    ),
    st.builds(
        usb_host.Request,
        st.sampled_from([0x00, 0x01, 0x02, 0x21, 0x80, 0x81, 0x82, 0xA1]),
        st.sampled_from([0, 1, 3, 6, 8, 9, 10, 11, 0x20, 0x21, 0x22, 0x23]),
        st.sampled_from([0, 1, 2, 0x100, 0x200, 0x300, 0x301, 0x303, 0x600]),
        st.sampled_from([0, 1, 2, 0x81, 0x82, 0x409]),
        st.sampled_from([0, 1, 2, 7, 8, 18, 64, 75, 255]),
    ),
)
WHAT = st.sampled_from(["whole", "cut", "reset", "suspend", "data"])


def transfer(host: "usb_host.UsbHost", request: "usb_host.Request") -> "usb_host.Step":
    try:
        to_host = request.type & 0x80 or not request.length
        return (yield from host.control(request, b"" if to_host else bytes(request.length)))
    except usb_host.StalledError:
        return b""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WHAT, REQUESTS), max_size=12))
def test_any_requests_in_any_order_leave_a_port_that_works(
    fuzzed: Bench, events: list[tuple[str, "usb_host.Request"]]
) -> None:
    usbd = fuzzed.chip.usbd
    for what, request in events:
        if request.type == 0 and request.request == 5:
            continue  # the controller keeps the address
        if usbd.values["LOWPOWER"] and what != "reset":  # hosts talk to no suspended device
            usbd.resume()
            fuzzed.go_on()
        match what:
            case "whole":
                fuzzed.host.run(transfer(fuzzed.host, request))
            case "cut":  # the next SETUP comes before this transfer has ended
                usbd.setup(request.packet())
            case "reset":
                usbd.bus_reset()
            case "suspend":
                usbd.suspend()
            case "data":
                usbd.give(2, bytes(request.length % 65))
        fuzzed.host.wake()
        fuzzed.go_on()
    fuzzed.do(fuzzed.host.enumerate_device())
    fuzzed.received()
    fuzzed.decoder.reset()
    assert [frame.type for frame in fuzzed.ask(HELLO)][-1:] == [FrameType.HELLO | 0x80]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(build_stub(find_toolchain("zig"), BOARD, tmp_path_factory.mktemp("fuzzed")))
    yield bench
    bench.close()


def test_usb_costs_less_than_six_kilobytes(tmp_path: Path) -> None:
    zig = find_toolchain("zig")
    over = {
        wire: read_image(build_stub(zig, linked_by(BOARD, wire), tmp_path / wire)).flash_bytes
        for wire in ("uart", "usb")
    }
    assert over["usb"] - over["uart"] < 6_000


@pytest.mark.parametrize("name", USB_BOARDS)
def test_hello_world_with_usb_is_verified(name: str, tinykit: Tinykit, tmp_path: Path) -> None:
    shared_model("hello_world_int8")
    model = MODELS / "hello_world_int8.tflite"
    record = tinykit("build", model, "--board", name, "-o", tmp_path / "b", "--json").json
    assert record["link"]["usb"] and record["sizes"]["flash"] < 14_000
    report = tinykit("verify", tmp_path / "b", "--emulator", "unicorn", "--json").json
    assert report["mismatches"] == 0


def test_the_emulated_port_is_the_usb_one(elf: Path) -> None:
    with UnicornEmulator(elf, BOARD) as emulator, Link(emulator.port) as link:
        assert link.hello().board == "nano33"


@pytest.mark.parametrize(
    ("board", "wire", "message"),
    [
        ("pico", "usb", "no USB device"),
        ("nano33", "spi", "no link 'spi'"),
    ],
)
def test_a_link_that_is_not_there_is_refused(board: str, wire: str, message: str) -> None:
    with pytest.raises(TinykitError, match=message):
        linked_by(find_board(board), wire)


def test_the_model_refuses_a_driver_without_the_errata(elf: Path) -> None:
    bench = Bench(elf)
    usbd = bench.chip.usbd
    for values, message in (({"ERRATUM_199": 0}, "199"), ({"ERRATUM_199": 0x82}, "not enabled")):
        usbd.values.update(values)
        with pytest.raises(RefusedError, match=message):
            usbd.on_write("TASKS_STARTEPIN[5]", 1)
    usbd.values["LOWPOWER"] = 1
    bench.chip.clock.values["HFCLKSTAT"] = 0
    with pytest.raises(RefusedError, match="without the crystal"):
        usbd.on_write("LOWPOWER", 0)
    usbd.values["LOWPOWER"] = 0
    usbd.values["ENABLE"] = 0
    with pytest.raises(RefusedError, match="171 and 187"):
        usbd.on_write("ENABLE", 1)
    bench.close()


@pytest.mark.parametrize(
    ("words", "usb"),
    [
        (("--board", "xiao_nrf52840"), True),
        (("--board", "nano33", "--link", "uart"), False),
        (("--board", "nano33", "--app", "mlperf"), False),
        (("--board", "microbit_v2"), True),  # over its interface chip
    ],
)
def test_a_board_is_heard_at_the_port_that_it_is_plugged_in_with(
    words: tuple[str, ...], usb: bool, tinykit: Tinykit, tmp_path: Path
) -> None:
    shared_model("kws_int8")
    record = tinykit(
        "build", MODELS / "kws_int8.tflite", *words, "-o", tmp_path / "b", "--json"
    ).json
    assert record["link"]["usb"] is usb
    readme = (tmp_path / "b" / "README.md").read_text()
    assert ("--port /dev/ttyACM0" in readme) == (usb and record["app"] == "stream")
    assert ("asks the board what it runs" in readme) == (record["app"] == "stream")
    assert (tmp_path / "b" / "renode.robot").exists() == ("uart" in words)


def test_a_usual_link_that_is_no_choice_is_refused(tmp_path: Path) -> None:
    text = board_paths()["microbit"].read_text()
    (tmp_path / "microbit.toml").write_text(text.replace("[usb]", 'usual = "usb"\n[usb]', 1))
    with pytest.raises(TinykitError, match=r"link\.usual is 'usb', and there is one wire"):
        load_board(tmp_path / "microbit.toml")
