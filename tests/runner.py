"""What the runner of MLPerf Tiny does with a board, step by step, for tests that keep its part.

Written from what the open-source runner of mlcommons/tiny was seen to send through a
pseudo-terminal: it opens the port, asks name and profile, then loads and infers, file by file.
"""

import re
from collections.abc import Callable
from itertools import groupby

CHUNK_BYTES = 31
READY = "m-ready"

Ask = Callable[[bytes], list[str]]  # sends bytes, and returns the lines up to READY


class Runner:
    """Drive a board, and keep what was said."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.said: list[tuple[str, tuple[str, ...]]] = []

    def command(self, text: str) -> list[str]:
        """Give one command, and return the lines before READY."""
        lines = self._ask(text.encode() + b"%")
        assert lines[-1] == READY and not any(READY in line for line in lines[:-1]), lines
        self.said.append((text, tuple(lines)))
        return lines[:-1]

    def identify(self) -> tuple[str, str]:
        """Return the board's name and the benchmark."""
        (name,) = self.command("name")
        profile, model = self.command("profile")
        assert profile == "m-profile-[ULPMark for tinyML Firmware V0.0.1]"
        return _bracketed("m-name-dut", name), _bracketed("m-model", model)

    def load(self, data: bytes) -> None:
        """Load one input."""
        assert self.command(f"db load {len(data)}") == [f"m-[Expecting {len(data)} bytes]"]
        for start in range(0, len(data), CHUNK_BYTES):
            chunk = data[start : start + CHUNK_BYTES]
            done = start + CHUNK_BYTES >= len(data)
            assert self.command(f"db {chunk.hex()}") == (["m-load-done"] if done else [])

    def infer(self, iterations: int, warmups: int) -> tuple[list[float], int]:
        """Return the results and the time between the two laps in microseconds."""
        *head, start, end, done, results = self.command(f"infer {iterations} {warmups}")
        assert head == [
            f"m-warmup-start-{warmups}",
            "m-warmup-done",
            f"m-infer-start-{iterations}",
        ]
        assert done == "m-infer-done"
        numbers = [float(word) for word in _bracketed("m-results", results).split(",")]
        return numbers, lap_us(end) - lap_us(start)

    def transcript(self) -> str:
        """Return what was said: times as N, and data that was taken in silence as one line."""
        text = ""
        for silent, exchanges in groupby(self.said, _is_silent_load):
            group = list(exchanges)
            if silent:
                text += f"> db HH.. ({len(group)} times)\n< {READY}\n"
                continue
            for command, lines in group:
                text += f"> {command}%\n" + "".join(f"< {_timeless(line)}\n" for line in lines)
        return text


def lap_us(line: str) -> int:
    """Return the time in m-lap-us-TIME."""
    found = re.fullmatch(r"m-lap-us-(\d+)", line)
    assert found is not None, line
    return int(found[1])


def _bracketed(name: str, line: str) -> str:
    found = re.fullmatch(rf"{name}-\[([^]]+)\]", line)
    assert found is not None, line
    return found[1]


def _timeless(line: str) -> str:
    return re.sub(r"m-lap-us-\d+", "m-lap-us-N", line)


def _is_silent_load(exchange: tuple[str, tuple[str, ...]]) -> bool:
    return exchange[0].startswith("db ") and exchange[1] == (READY,)
