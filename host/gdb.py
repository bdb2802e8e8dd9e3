"""Speak GDB's remote protocol to an emulator: stop at addresses, step, read and write memory.

GDB manual, appendix E: `$packet#checksum`, acknowledged by `+`.
"""

import socket

from tinykit.host.emulator import EmulationError

CHUNK_BYTES = 1024  # QEMU's packets hold 4096 hex digits
_INTERRUPT = b"\x03"


class Gdb:
    """Hold the debugger's end of the channel to an emulator."""

    def __init__(self, channel: socket.socket, timeout_s: float) -> None:
        self._channel = channel
        self._channel.settimeout(timeout_s)
        self._buffer = b""

    def interrupt(self) -> None:
        """Stop the CPU."""
        self._channel.sendall(_INTERRUPT)
        self.await_stop()

    def resume(self) -> None:
        """Let the CPU run; it stops at a breakpoint."""
        self._send("c")

    def await_stop(self) -> None:
        """Wait until the CPU has stopped."""
        reply = self._receive()
        if not reply.startswith(("T", "S")):
            raise _broken(f"'{reply}' instead of a stop")

    def step(self) -> None:
        """Execute one instruction."""
        self._send("s")
        self.await_stop()

    def set_breakpoint(self, address: int) -> None:
        """Stop before the instruction there."""
        self._obey(f"Z0,{address:x},2")

    def clear_breakpoint(self, address: int) -> None:
        """No longer stop there."""
        self._obey(f"z0,{address:x},2")

    def registers(self) -> list[int]:
        """Return the registers that the packet `g` begins with, in words."""
        data = bytes.fromhex(self._ask("g"))
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data) - 3, 4)]

    def read(self, address: int, count: int) -> bytes:
        """Read memory or registers of peripherals."""
        data = b""
        while len(data) < count:
            size = min(CHUNK_BYTES, count - len(data))
            data += bytes.fromhex(self._ask(f"m{address + len(data):x},{size:x}"))
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write memory; peripherals do not notice."""
        for start in range(0, len(data), CHUNK_BYTES):
            chunk = data[start : start + CHUNK_BYTES]
            self._obey(f"M{address + start:x},{len(chunk):x}:{chunk.hex()}")

    def close(self) -> None:
        """Close the channel; harmless when repeated."""
        self._channel.close()

    def _obey(self, packet: str) -> None:
        reply = self._ask(packet)
        if reply != "OK":
            raise _broken(f"'{reply}' to '{packet[:24]}'")

    def _ask(self, packet: str) -> str:
        self._send(packet)
        reply = self._receive()
        if not reply or reply.startswith("E"):
            raise _broken(f"'{reply}' to '{packet[:24]}'")
        return reply

    def _send(self, packet: str) -> None:
        data = packet.encode()
        self._channel.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _receive(self) -> str:
        while b"#" not in self._buffer[:-2]:
            try:
                data = self._channel.recv(65536)
            except TimeoutError:
                raise _broken("nothing") from None
            except OSError:
                data = b""
            if not data:
                raise _broken("the end of the channel")
            self._buffer += data
        packet, _, rest = self._buffer.partition(b"#")
        self._buffer = rest[2:]
        self._channel.sendall(b"+")
        return packet.lstrip(b"+").removeprefix(b"$").decode()


def _broken(what: str) -> EmulationError:
    return EmulationError(
        f"the emulator's debugger interface answered {what}", "start it again; then report it"
    )
