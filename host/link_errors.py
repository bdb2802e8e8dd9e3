"""What a link says when a board does not give the answer."""

import struct

from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.core.units import bytes_text
from tinykit.host.frame import ANSWER, VERSION, ErrorCode, Frame, FrameType
from tinykit.host.line import holders

FLASH_HINT = "is it flashed? how to: README.md in the build folder"
RESTART_HINT = "it restarts itself; if it stays silent, reset it"
PROTOCOL_HINT = "the board breaks the protocol: docs/protocol.md"

_REFUSAL = struct.Struct("<II")
_FAULT = struct.Struct("<5I")
# Why an engine ends the firmware, in the place of the address: docs/protocol.md, Errors.
_GAVE_UP = {
    1: "the model is of another version of the schema",
    2: "the resolver did not take an operator",
    3: "the tensors could not be allocated",
    4: "an operator failed",
    5: "the library aborted",
    6: "something was written outside of the arena",
}


class BoardError(CheckFailedError):
    """Report that the board understood a request and could not serve it; status 1."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message, hint)
        self.code = code


class FaultError(CheckFailedError):
    """Report that the firmware ran into a fault; status 1."""


def no_answer(
    port: str, waited_s: float, sent: str, heard_bytes: int, echoed: bool
) -> TinykitError:
    """Say that no valid answer came, and what came instead."""
    waited = f"{waited_s:.1f} s"
    if echoed:
        return MissingToolError(
            f"{port} only sends back what it gets {sent}",
            "are TX and RX joined, or is it a modem? how to wire the board: README.md in the build "
            "folder",
        )
    if heard_bytes:
        return MissingToolError(
            f"{port} sent {bytes_text(heard_bytes)} in {waited}, no valid answer {sent}",
            "another baud rate, or another firmware? how to flash: README.md in the build folder",
        )
    hint = FLASH_HINT
    if names := holders(port):
        hint = f"is it read by {', '.join(names)}? close that; or {FLASH_HINT}"
    return MissingToolError(f"no answer from {port} after {waited} {sent}", hint)


def refusal(port: str, payload: bytes, request: int) -> CheckFailedError:
    """Say what a board answered instead of serving a request."""
    if len(payload) != _REFUSAL.size:
        return CheckFailedError(f"{port} sent an error of {len(payload)} bytes", PROTOCOL_HINT)
    code, detail = _REFUSAL.unpack(payload)
    if code == ErrorCode.BAD_VERSION:
        return other_version(port, detail)
    known = {item.value: item.name.lower() for item in ErrorCode}
    hint = "docs/protocol.md, Errors, says what it means"
    if code == ErrorCode.NOT_IN_THIS_BUILD:
        hint = "tracing needs a trace build on the board"
    return BoardError(
        f"{port} refused {name(request)}: {known.get(code, f'error {code}')} (detail {detail})",
        hint,
        code,
    )


def lost_again(port: str, times: int, error: BoardError) -> CheckFailedError:
    """Say that a board loses its input whenever it is asked."""
    return CheckFailedError(
        f"{port} lost its input {times} times in one inference, the last time: {error.message}",
        "is it reset again and again? look at its supply and its cable",
    )


def fault(port: str, payload: bytes) -> FaultError:
    """Say where the firmware stopped."""
    if len(payload) != _FAULT.size:
        return FaultError(f"the firmware on {port} faulted", RESTART_HINT)
    pc, lr, cfsr, hfsr, address = _FAULT.unpack(payload)
    if lr == cfsr == hfsr == 0 and address in _GAVE_UP:
        return FaultError(
            f"TensorFlow Lite Micro on {port} gave up: {_GAVE_UP[address]}, pc 0x{pc:08x}",
            f"where: arm-none-eabi-addr2line -fe firmware.elf 0x{pc:08x}; or --engine native",
        )
    return FaultError(
        f"the firmware on {port} faulted: pc 0x{pc:08x}, lr 0x{lr:08x}, "
        f"cfsr 0x{cfsr:08x}, hfsr 0x{hfsr:08x}, address 0x{address:08x}",
        f"where: arm-none-eabi-addr2line -fe firmware.elf 0x{pc:08x}; {RESTART_HINT}",
    )


def wrong_length(port: str, answer: Frame) -> CheckFailedError:
    """Say that an answer is longer or shorter than it has to be."""
    return CheckFailedError(
        f"{port} answered {name(answer.type - ANSWER)} with {bytes_text(len(answer.payload))}",
        PROTOCOL_HINT,
    )


def other_version(port: str, theirs: int) -> CheckFailedError:
    """Say that host and firmware are not of the same tinykit."""
    return CheckFailedError(
        f"{port} speaks version {theirs} of the link protocol, this is version {VERSION}",
        "build and flash the firmware with this tinykit: README.md in the build folder",
    )


def name(kind: int) -> str:
    """Name a type of frames as docs/protocol.md does."""
    return FrameType(kind).name.lower() if kind in list(FrameType) else f"type 0x{kind:02x}"
