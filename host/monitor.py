"""The raw conversation on a port: frames by name, anything else as the text that it may be."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tinykit.core.errors import TinykitError
from tinykit.host import link_errors
from tinykit.host.frame import (
    ANSWER,
    DELIMITER,
    MAX_ENCODED_BYTES,
    Frame,
    FrameType,
    decode,
    encode,
)
from tinykit.host.line import Line

READ_S = 0.1
QUIET_S = 0.05  # a pause ends a piece of text that has no end of line


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold one thing that came: a frame's name and fields, or bytes that are none.

    Attributes:
        at_s: since the monitor began.
        kind: "hello answer", "fault" and the like, or "text".
        text: what it says, for people.
        data: the payload, or the bytes.
    """

    at_s: float
    kind: str
    text: str
    data: bytes


def listen(line: Line, seconds: float | None, ask: bool) -> Iterator[Heard]:
    """Yield what comes, until the time is over; ask who is there first if that is wanted."""
    began = time.monotonic()
    if ask:
        line.write(DELIMITER + encode(Frame(FrameType.HELLO, 1)))
    rest = b""
    heard_at = began
    while seconds is None or time.monotonic() - began < seconds:
        data = line.read(READ_S if seconds is None else min(READ_S, seconds))
        now = time.monotonic()
        if not data:
            if rest and now - heard_at >= QUIET_S:
                yield _text(rest, now - began)
                rest = b""
            continue
        heard_at = now
        *pieces, rest = _split(rest + data)
        for piece in pieces:
            yield _heard(piece, now - began)
    if rest:
        yield _text(rest, time.monotonic() - began)


def _split(data: bytes) -> list[bytes]:
    """Cut behind delimiters, and behind ends of line in what is too long for a frame, or text."""
    pieces = []
    *complete, rest = data.split(DELIMITER)
    for piece in complete:
        if piece:
            pieces.append(piece)
    while len(rest) >= MAX_ENCODED_BYTES or (b"\n" in rest and _is_text(rest)):
        end = rest.find(b"\n") + 1 or MAX_ENCODED_BYTES
        pieces.append(rest[:end])
        rest = rest[end:]
    return [*pieces, rest]


def _heard(piece: bytes, at_s: float) -> Heard:
    frame = decode(piece)
    if frame is None:
        return _text(piece, at_s)
    return Heard(at_s, _kind(frame), _fields(frame), frame.payload)


def _kind(frame: Frame) -> str:
    if frame.type in (FrameType.ERROR, FrameType.FAULT):
        return link_errors.name(frame.type)
    if frame.type >= ANSWER:
        return f"{link_errors.name(frame.type - ANSWER)} answer"
    return link_errors.name(frame.type)


def _fields(frame: Frame) -> str:
    head = f"sequence {frame.sequence}, offset {frame.offset}, {len(frame.payload)} bytes"
    try:
        if frame.type == FrameType.FAULT:
            return f"{head}: {link_errors.fault('the board', frame.payload).message}"
        if frame.type == FrameType.ERROR:
            return f"{head}: {link_errors.refusal('the board', frame.payload, 0).message}"
    except TinykitError as error:
        return f"{head}: {error.message}"
    shown = frame.payload[:32].hex(" ")
    return f"{head}: {shown}{' ..' if len(frame.payload) > 32 else ''}" if shown else head


def _text(data: bytes, at_s: float) -> Heard:
    if _is_text(data):
        return Heard(at_s, "text", data.decode("ascii").rstrip("\r\n"), data)
    return Heard(at_s, "bytes", data.hex(" "), data)


def _is_text(data: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\t\r\n\x1b" for byte in data)
