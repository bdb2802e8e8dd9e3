"""--app sleep in the emulator: it wakes, samples, infers, acts, sleeps on, and says how much."""

import re
from pathlib import Path

import numpy as np
import pytest
import tiny
from commands import TOOLCHAINS, Tinykit

from tinykit.core import oracle
from tinykit.core.board import Board, find_board
from tinykit.host.build import BuildOptions, build
from tinykit.host.elapse import Elapsed, elapse
from tinykit.host.emulator import EmulationError
from tinykit.host.image import read_image
from tinykit.host.record import read_record

pytest.importorskip("unicorn")

BOARD = find_board("nano33")
SISTERS = ("xiao_nrf52840", "microbit_v2")
SAID = re.compile(r"wakes (\d+) awake (\d+) us of (\d+) us asleep (\d+) of 1000")
HOOKS = """
#include <stddef.h>
#include "tk_hooks.h"
#include "dense.h"
void tk_rest_wire_on(void);
void tk_rest_wire_off(void);
void tk_text_hex(uint32_t number, uint8_t digits);
void tk_text_end(void);
const uint32_t period_ms = PERIOD;
bool sample(void)
{
    SAMPLE
}
void act(void)
{
    ACT
}
"""


def hooks(sample: str, act: str, period_ms: int) -> str:
    text = HOOKS.replace("PERIOD", str(period_ms))
    return text.replace("SAMPLE", sample).replace("ACT", act)


def run(
    folder: Path,
    sample: str,
    act: str,
    seconds: float,
    period_ms: int = 10_000,
    zig: str = "zig",
    board: Board = BOARD,
) -> Elapsed:
    options = BuildOptions(app="sleep", toolchain=zig, hooks=hooks(sample, act, period_ms))
    build(tiny.dense(), "dense.tflite", board, options, folder)
    return elapse(folder, read_record(folder), "unicorn", seconds)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_board_sleeps_while_it_waits_and_says_so_as_the_emulator_does(
    toolchain: str, tmp_path: Path
) -> None:
    act = "if (tk_rested().wakes == 30) { tk_rested_report(); }"

    elapsed = run(tmp_path / "built", "return true;", act, 310, zig=toolchain)

    assert elapsed.sleep_share > 0.9999
    (line,) = elapsed.said
    found = SAID.fullmatch(line)
    assert found is not None, line
    wakes, awake_us, total_us, per_mille = map(int, found.groups())
    assert (wakes, per_mille, elapsed.resets) == (30, 999, 0)
    # 10 s are 10 240 ticks exactly; what the RTC counts begins a moment after start-up
    assert total_us == 30 * 10_000_000
    seen_us = 1e6 * elapsed.awake_share * elapsed.virtual_s
    # the emulator sees the wakes that followed, too, and start-up and report: below 5 ms
    assert awake_us <= seen_us <= awake_us * elapsed.virtual_s / 300 + 5000


@pytest.mark.parametrize("name", SISTERS)
def test_sister_of_the_nano33_sleeps_too(name: str, tmp_path: Path) -> None:
    act = "if (tk_rested().wakes == 3) { tk_rested_report(); }"

    elapsed = run(tmp_path / "built", "return true;", act, 41, board=find_board(name))

    assert (elapsed.board, elapsed.resets) == (name, 0)
    assert elapsed.sleep_share > 0.999
    (line,) = elapsed.said
    found = SAID.fullmatch(line)
    assert found is not None, line
    assert (found[1], found[3], found[4]) == ("3", "30000000", "999")


# Their sleep has no emulator: QEMU's micro:bit has no RTC.
UNMODELLED = ("microbit", "nucleo_l4r5zi", "nucleo_u575zi_q", "pico")


@pytest.mark.parametrize("name", UNMODELLED)
def test_board_whose_sleep_nothing_emulates_switches_off_sleeps_and_wakes_in_time(
    name: str, tmp_path: Path
) -> None:
    from rest_run import Sleeper

    board = find_board(name)
    act = "if (tk_rested().wakes == 3) { tk_rested_report(); }"
    text = hooks("return true;", act, 100_000)
    options = BuildOptions(app="sleep", hooks=text)
    build(tiny.dense(), "dense.tflite", board, options, tmp_path / "built")
    sleeper = Sleeper(board, read_image(tmp_path / "built" / "firmware.elf"))

    (line,) = sleeper.go(399)

    found = SAID.fullmatch(line)
    assert found is not None, line
    assert (found[1], found[3], found[4]) == ("3", "300000000", "999")
    assert 0 < int(found[2]) < 10_000
    assert sleeper.sleep_share > 0.999 and abs(sleeper.now_us - 400e6) < 10_000
    # a counter of 16 bits lasts for 65 s only
    assert sleeper.sleeps == (16 if name.startswith("nucleo") else 4)


@pytest.mark.parametrize(("period_ms", "rounds"), [(0, 4000), (3, 20_000)])
def test_wake_that_ends_just_before_the_next_is_counted_once(
    period_ms: int, rounds: int, tmp_path: Path
) -> None:
    """Too near for the RTC to wake it, so it does not sleep: that was counted twice."""
    sample = f"for (volatile uint32_t n = 0; n < {rounds}u; n++) {{ }} return true;"
    act = "if (tk_rested().wakes == 50) { tk_rested_report(); }"

    elapsed = run(tmp_path / "built", sample, act, 0.3, period_ms)

    (line,) = elapsed.said
    found = SAID.fullmatch(line)
    assert found is not None, line
    awake_us, total_us = int(found[2]), int(found[3])
    assert 50 * 300 < awake_us <= total_us <= 50 * 6000


def test_act_sees_the_answer_of_the_oracle_to_what_sample_gave(tmp_path: Path) -> None:
    sample = (
        "for (size_t i = 0; i < DENSE_INPUT_BYTES; i++) { dense_input()[i] = (int8_t)(3 * i); }"
    )
    act = """tk_rest_wire_on();
    for (size_t i = 0; i < DENSE_OUTPUT_BYTES; i++) { tk_text_hex((uint8_t)dense_output()[i], 2); }
    tk_text_end();
    tk_rest_wire_off();"""
    data = (3 * np.arange(40)).astype(np.uint8).view(np.int8).reshape(1, 1, 40)

    elapsed = run(tmp_path / "built", sample + " return true;", act, 0.45, period_ms=100)

    (answer,) = oracle.run(tiny.dense(), [data]).outputs
    assert len(elapsed.said) >= 4
    assert set(elapsed.said) == {answer.tobytes().hex()}


def test_sample_may_leave_the_model_asleep(tmp_path: Path) -> None:
    sample = "return tk_rested().wakes % 5 == 4;"

    elapsed = run(tmp_path / "built", sample, "tk_rested_report();", 2, period_ms=100)

    wakes = [int(found[1]) for line in elapsed.said if (found := SAID.fullmatch(line))]
    assert wakes[:4] == [4, 9, 14, 19]


def test_wake_that_lasts_longer_than_the_period_is_followed_by_sleep(tmp_path: Path) -> None:
    sample = "for (volatile uint32_t n = 0; n < 100000u; n++) { } return true;"
    act = "if (tk_rested().wakes % 10 == 9) { tk_rested_report(); }"

    elapsed = run(tmp_path / "built", sample, act, 0.6, period_ms=5)

    assert len(elapsed.said) >= 2
    assert 0.02 < elapsed.sleep_share < 0.6


def test_fault_is_reported_over_a_wire_that_was_off_and_the_board_starts_again(
    tmp_path: Path,
) -> None:
    act = 'if (tk_rested().wakes == 3) { __asm__ volatile("udf #0"); }'

    elapsed = run(tmp_path / "built", "return true;", act, 0.9, period_ms=100)

    assert elapsed.resets >= 2
    assert elapsed.said[1].startswith("e-[fault: pc 0x000")


def test_fault_at_the_first_wake_stops(tmp_path: Path) -> None:
    """It would fault at every start, and empty the cell."""
    elapsed = run(tmp_path / "built", '__asm__ volatile("udf #0"); return true;', "", 0.5)

    assert (elapsed.resets, len(elapsed.said)) == (0, 2)
    assert elapsed.said[1].startswith("e-[fault: pc 0x000") and elapsed.sleep_share > 0.9


def test_hooks_are_written_once_and_never_again(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(tiny.dense())
    words = ("build", "dense.tflite", "--board", "nano33", "--app", "sleep")

    first = tinykit(*words)
    written = Path("hooks.c").read_text()
    Path("hooks.c").write_text(written.replace("10000", "60000"))
    second = tinykit(*words, "--force")

    assert "wrote hooks.c, which is yours to change" in first.err
    assert "hooks.c, which" not in second.err
    assert "period_ms = 60000;" in Path("hooks.c").read_text()
    assert Path("build/nano33/hooks.c").read_text() == Path("hooks.c").read_text()

    ended = tinykit("emulate", "build/nano33", "--seconds", "70", "--json")
    assert ended.json["sleep_share"] > 0.99 and ended.json["virtual_s"] >= 70
    assert ended.json["said"] == ["wakes 0 awake 0 us of 0 us asleep 0 of 1000"]
    assert "asleep 99.9" in tinykit("emulate", "build/nano33", "--seconds", "1").out


REFUSED = {
    ("--board", "qemu_an386", "--app", "sleep"): (
        "--app sleep is not written for the mps2 of qemu_an386",
        "a board with nrf51822 or nrf52833 or nrf52840 or rp2040 or stm32l4r5 or stm32u575: "
        "tinykit boards; or --app none",
    ),
    ("--board", "nano33", "--link", "usb", "--app", "sleep"): (
        "--app sleep cannot sleep while nano33 is a USB device",
        "--link uart",
    ),
    ("--board", "nano33", "--hooks", "mine.c"): (
        "--hooks means nothing to --app stream",
        "leave --hooks out",
    ),
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_it_cannot_do_is_refused(
    words: tuple[str, ...], tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(tiny.dense())

    assert tinykit.refuses("build", "dense.tflite", *words) == REFUSED[words]
    assert not Path("hooks.c").exists()


def test_sleep_that_qemu_could_not_end_is_not_begun_there(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(tiny.dense())

    built = tinykit("build", "dense.tflite", "--board", "microbit", "--app", "sleep")

    assert "wrote build/microbit; next: tinykit flash build/microbit" in built.err
    assert "emulator" not in Path("build/microbit/README.md").read_text()
    line, _ = tinykit.refuses("emulate", "build/microbit")
    assert line == "QEMU's nrf51822 has no clock that could end the sleep of --app sleep"


def test_time_of_a_board_that_waits_for_its_host_does_not_go_by(
    tinykit: Tinykit, dense_build: Path
) -> None:
    line, hint = tinykit.refuses("emulate", dense_build, "--seconds", "9")

    assert line.startswith("the board waits for its host after 0.0")
    assert hint == "--seconds is for --app sleep"


def test_ram_behind_the_variables_has_no_power(tmp_path: Path) -> None:
    """The first 64 KiB are switched by 4 KiB, the rest by 32 KiB: the last word goes off in any."""
    act = "tk_rest_wire_on(); tk_text_hex(*(volatile uint32_t *)0x2003fffc, 8); tk_text_end();"

    with pytest.raises(EmulationError) as caught:
        run(tmp_path / "built", "return true;", act, 0.5, period_ms=100)

    assert "access to RAM at 0x2003fffc, which has no power, at pc 0x" in caught.value.message


def test_soft_reset_without_giving_ram_its_power_back_is_refused(tmp_path: Path) -> None:
    reset = "*(volatile uint32_t *)0xe000ed0cu = 0x05fa0004u; for (;;) { }"

    with pytest.raises(EmulationError) as caught:
        run(tmp_path / "no", "return true;", reset, 0.5, period_ms=100)
    elapsed = run(tmp_path / "yes", "return true;", f"tk_rest_end(); {reset}", 0.5, period_ms=100)

    assert "soft reset while RAM has no power" in caught.value.message
    assert elapsed.resets >= 2
