"""Run an image in unicorn with a serial port that behaves as Renode 1.16.1's, and more strictly.

Renode's UARTE has no shortcuts, writes on behind MAXCNT, takes no time for a byte, and keeps what
comes in till ENDRX is cleared and STARTRX triggered; clearing ENDRX alone takes nothing of it. What
it only warns of, or corrupts memory with, is refused here. Started in place of unicorn_child.py.
"""

from tinykit.host import nrf52840, unicorn_child
from tinykit.host.nrf52840 import Uarte
from tinykit.host.registers import RefusedError


class RenodeUarte(Uarte):
    """Model UARTE0 as Renode does: bytes come in bursts, while the CPU sleeps."""

    def arrive(self, data: bytes) -> None:
        """Let all bytes arrive at once."""
        for byte in data:
            self.schedule.at(self.schedule.now(), lambda byte=byte: self._take(byte))  # type: ignore[misc]

    def on_write(self, name: str, value: int) -> None:
        """Refuse what Renode has not."""
        if name == "SHORTS" and value:
            raise RefusedError(f"UARTE0.SHORTS is 0x{value:x}: Renode has none")
        super().on_write(name, value)

    def _start_rx(self) -> None:
        self._rx = self._dma("RXD")
        self._received = 0
        self.receiving = True
        self.fire("RXSTARTED")
        self._pass_on()

    def _stop_rx(self) -> None:
        if self._received < self._rx[1]:
            self.fire("ENDRX")
        self.receiving = False
        self.fire("RXTO")

    def _take(self, byte: int) -> None:
        if not self.enabled or not self.receiving:
            raise RefusedError("UARTE0 loses a byte: its receiver is off")
        self._fifo.append(byte)
        self._pass_on()

    def _pass_on(self) -> None:
        """Write one byte to memory, unless the last transfer's end is still to be seen."""
        if not self._fifo or self.values["EVENTS_ENDRX"]:
            return
        address, count = self._rx
        if self._received == count:
            raise RefusedError(f"UARTE0 writes byte {count + 1} of {count}")
        self.memory.write(address + self._received, bytes([self._fifo.pop(0)]))
        self._received += 1
        self.values["RXD.AMOUNT"] = self._received
        if self._received == count:
            self.fire("ENDRX")
        self.fire("RXDRDY")

    def _start_tx(self) -> None:
        address, count = self._dma("TXD")
        for event in ("TXSTARTED", "TXSTOPPED", "ENDTX", "TXDRDY"):
            self.fire(event)
        self.values["TXD.AMOUNT"] = count
        self.send(self.memory.read(address, count))


if __name__ == "__main__":
    setattr(nrf52840, "Uarte", RenodeUarte)  # noqa: B010, mypy lets no class be replaced
    unicorn_child.main()
