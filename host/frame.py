"""The frames of the link, as bytes: docs/protocol.md in Python."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

VERSION = 1
MAX_ENCODED_BYTES = 512  # with the delimiter
MAX_PAYLOAD_BYTES = 492
DELIMITER = b"\x00"
ANSWER = 0x80

_HEADER = struct.Struct("<BBHIH")
_CRC = struct.Struct("<I")


class FrameType(IntEnum):
    """Name the requests; an answer has its request's type plus 0x80."""

    HELLO = 0x01
    WRITE = 0x02
    RUN = 0x03
    READ = 0x04
    TRACE = 0x05
    PEEK = 0x06
    STATUS = 0x07
    ERROR = 0xFE
    FAULT = 0xFF


class ErrorCode(IntEnum):
    """Name why a board could not serve a request."""

    BAD_VERSION = 1
    BAD_TYPE = 2
    BAD_LENGTH = 3
    GAP = 4
    TOO_LONG = 5
    INCOMPLETE = 6
    ALREADY_RUN = 7
    NOT_RUN = 8
    OUT_OF_RANGE = 9
    NOT_IN_THIS_BUILD = 10
    NO_SESSION = 11


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one frame; `type` is a number, since a board may send one that we do not know."""

    type: int
    sequence: int = 0
    offset: int = 0
    payload: bytes = b""
    version: int = VERSION


def encode(frame: Frame) -> bytes:
    """Encode a frame, with its delimiter behind it."""
    assert len(frame.payload) <= MAX_PAYLOAD_BYTES
    header = _HEADER.pack(
        frame.version, frame.type, frame.sequence, frame.offset, len(frame.payload)
    )
    checked = header + frame.payload
    encoded = bytes(cobs.encode(checked + _CRC.pack(zlib.crc32(checked)))) + DELIMITER
    assert len(encoded) <= MAX_ENCODED_BYTES
    return encoded


def decode(encoded: bytes) -> Frame | None:
    """Decode what stood between two delimiters; None unless it is a whole frame."""
    if len(encoded) >= MAX_ENCODED_BYTES:
        return None
    try:
        raw = bytes(cobs.decode(encoded))
    except cobs.DecodeError:
        return None
    if len(raw) < _HEADER.size + _CRC.size:
        return None
    checked, crc = raw[: -_CRC.size], _CRC.unpack(raw[-_CRC.size :])[0]
    version, kind, sequence, offset, length = _HEADER.unpack_from(checked)
    payload = checked[_HEADER.size :]
    if zlib.crc32(checked) != crc or len(payload) != length:
        return None
    return Frame(kind, sequence, offset, payload, version)


class FrameDecoder:
    """Cut a stream of bytes into frames; whatever is none is dropped and counted."""

    def __init__(self) -> None:
        self.dropped_bytes = 0
        self._rest = bytearray()
        self._overflowed = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they come, return the frames that they complete."""
        frames = []
        *complete, rest = data.split(DELIMITER)
        for chunk in complete:
            self._append(chunk)
            frame = self._finish()
            if frame is not None:
                frames.append(frame)
        self._append(rest)
        return frames

    def reset(self) -> None:
        """Forget what has come of an unfinished frame, and the count."""
        self._rest.clear()
        self._overflowed = False
        self.dropped_bytes = 0

    def pending_bytes(self) -> int:
        """Return how many bytes have come since the last delimiter."""
        return len(self._rest)

    def _append(self, chunk: bytes) -> None:
        self._rest += chunk
        if len(self._rest) >= MAX_ENCODED_BYTES:
            self.dropped_bytes += len(self._rest)
            self._rest.clear()
            self._overflowed = True

    def _finish(self) -> Frame | None:
        chunk, overflowed = bytes(self._rest), self._overflowed
        self._rest.clear()
        self._overflowed = False
        if overflowed:
            self.dropped_bytes += len(chunk)
            return None
        frame = decode(chunk) if chunk else None
        if frame is None:
            self.dropped_bytes += len(chunk)
        return frame
