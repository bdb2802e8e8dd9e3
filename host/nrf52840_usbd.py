"""A strict model of the nRF52840's USB device, and of the errata that its driver must know.

Sections are those of the nRF52840 Product Specification v1.7 ("PS"). `UsbHost` (host/usb_host.py)
is at the other end of the cable; its side is the methods of `Usbd` up to `stalled`.
"""

from collections.abc import Callable

from tinykit.host.nordic import NordicPeripheral
from tinykit.host.nrf52840_registers import ERRATA_BASE, ERRATA_TABLE, USBD_ENDPOINTS, USBD_TABLE
from tinykit.host.registers import RefusedError, RegisterBlock
from tinykit.host.schedule import Schedule

PACKET_BYTES = 64
DMA_CYCLES = 8  # for each byte, and as many for none; not in the manual
SUSPEND, RESUME, WAKE_ALLOWED, READY = 1 << 8, 1 << 9, 1 << 10, 1 << 11  # 6.35.13.29
READY_CYCLES = 640  # "a few microseconds", 6.35.4
SETUP_REGISTERS = (
    "BMREQUESTTYPE",
    "BREQUEST",
    "WVALUEL",
    "WVALUEH",
    "WINDEXL",
    "WINDEXH",
    "WLENGTHL",
    "WLENGTHH",
)
SET_ADDRESS = bytes([0x00, 0x05])  # the USBD answers it alone, 6.35.9
# What may be touched while the USBD is off, and while it is suspended (6.35.8)
WHILE_OFF = ("ENABLE", "USBPULLUP", "INTENSET", "INTENCLR", "EVENTCAUSE")
WHILE_SUSPENDED = ("LOWPOWER", "EVENTCAUSE", "INTENSET", "INTENCLR")
BUSY = 0x82


class Errata(RegisterBlock):
    """Model the undocumented registers of errata 171 and 187: a key locks and unlocks them."""

    def __init__(self) -> None:
        super().__init__("ERRATA", ERRATA_BASE, ERRATA_TABLE)

    @property
    def wakes(self) -> bool:
        """Tell whether the USBD would wake up now."""
        return bool(self.values["ERRATUM_171"])

    @property
    def enables(self) -> bool:
        """Tell whether the USBD can be enabled now."""
        return self.wakes and bool(self.values["ERRATUM_187"])

    def on_write(self, name: str, value: int) -> None:
        """Turn the key, or write what it has unlocked."""
        if name == "KEY":
            self.values[name] ^= value
        elif not self.values["KEY"]:
            raise RefusedError(f"write to the register of {name} without its key")
        else:
            self.values[name] = value


class Usbd(NordicPeripheral):
    """Model the USB device: endpoint 0 with its stages, bulk and interrupt endpoints.

    Args:
        schedule: of the chip.
        transfer: EasyDMA: takes the channel's name, address and bytes to write or how many to read.
        errata: what the driver has set of them.
        powered: tells whether VBUS is there and its regulator ready.
        crystal: tells whether HFCLK comes from the crystal.
    """

    def __init__(
        self,
        schedule: Schedule,
        transfer: Callable[[str, int, int, bytes | None], bytes],
        errata: Errata,
        powered: Callable[[], bool],
        crystal: Callable[[], bool],
    ) -> None:
        super().__init__(0x40027000, USBD_TABLE, schedule)
        self.notify: Callable[[], None] = lambda: None  # the host looks what has changed
        self._transfer = transfer
        self._errata = errata
        self._powered = powered
        self._crystal = crystal
        self._armed: dict[int, bytes] = {}  # to the host, by endpoint
        self._waiting: dict[int, bytes] = {}  # from the host, in the USBD's memory
        self._accepting: set[int] = set()
        self._halted: set[int] = set()
        self._selected: int | None = None
        self._busy = False
        self._control = ""  # setup, status, stall or done
        self._setup = bytes(8)

    @property
    def pulled_up(self) -> bool:
        """Tell whether the host sees a device."""
        return bool(self.values["USBPULLUP"])

    def bus_reset(self) -> None:
        """Let the host reset the bus."""
        self._drop()
        self.fire("USBRESET")

    def suspend(self) -> None:
        """Let the bus be idle for 3 ms."""
        self._cause(SUSPEND)

    def resume(self) -> None:
        """Let the host drive the bus again."""
        self._cause(RESUME)

    def setup(self, packet: bytes) -> None:
        """Take a SETUP packet, whatever was going on (USB 2.0, 8.5.3)."""
        self._armed.pop(0, None)
        self._waiting.pop(0, None)
        self._accepting.discard(0)
        self._setup = packet
        self._control = "done" if packet[:2] == SET_ADDRESS else "setup"
        self.values.update(zip(SETUP_REGISTERS, packet, strict=True))
        self.fire("EP0SETUP")

    def take(self, endpoint: int) -> bytes | None:
        """Return the packet of an IN endpoint, None for NAK."""
        packet = self._armed.pop(endpoint, None)
        if packet is not None and endpoint == 0:
            self.fire("EP0DATADONE")
        elif packet is not None:
            self._data(1 << endpoint)
        return packet

    def give(self, endpoint: int, packet: bytes) -> bool:
        """Offer a packet to an OUT endpoint; False for NAK."""
        if endpoint not in self._accepting or self.values["LOWPOWER"]:
            return False
        self._accepting.discard(endpoint)
        self._waiting[endpoint] = packet
        self.values[f"SIZE.EPOUT[{endpoint}]"] = len(packet)
        if endpoint == 0:
            self.fire("EP0DATADONE")
        else:
            self._data(1 << 16 + endpoint)
        return True

    def status(self) -> bool:
        """Tell whether the device has let the control transfer end."""
        return self._control in ("status", "done")

    def stalled(self, address: int) -> bool:
        """Tell whether an endpoint, by its address (0x82), answers STALL."""
        if address & 0x7F == 0:
            return self._control == "stall"
        enabled = self.values["EPINEN" if address & 0x80 else "EPOUTEN"]
        return address in self._halted or not enabled >> (address & 7) & 1

    def on_write(self, name: str, value: int) -> None:
        """Refuse what the state does not allow, then do it."""
        if not name.startswith("EVENTS_"):
            self._check_state(name)
        match name.partition("[")[0]:
            case "ENABLE":
                self._enable(value)
            case "USBPULLUP":
                self._pull_up(value)
            case "EVENTCAUSE" | "EPDATASTATUS":
                self.values[name] &= ~value
            case "SIZE.EPOUT":
                self._accept(int(name[-2]))
            case "EPSTALL":
                self._stall(value)
            case "DTOGGLE":
                self._toggle(value)
            case "LOWPOWER":
                self._low_power(value)
            case _:
                super().on_write(name, value)

    def on_read(self, name: str) -> int:
        """Refuse what the state does not allow."""
        if not name.startswith("EVENTS_"):
            self._check_state(name)
        return super().on_read(name)

    def on_task(self, task: str) -> None:
        """Start EasyDMA or a stage of a control transfer."""
        if self._busy:
            raise RefusedError(f"USBD.TASKS_{task} while EasyDMA runs is lost (erratum 199)")
        if task.startswith("START"):
            self._start(task.startswith("STARTEPIN"), int(task[-2]))
        elif task == "EP0RCVOUT":
            self._require_setup(task)
            self._accepting.add(0)
        else:
            self._require_setup(task)
            self._control = "status" if task == "EP0STATUS" else "stall"
        self.notify()

    def _check_state(self, name: str) -> None:
        if not self.values["ENABLE"] and name not in WHILE_OFF:
            raise RefusedError(f"access to USBD.{name} while the USBD is disabled")
        if self.values["LOWPOWER"] and name not in WHILE_SUSPENDED:
            raise RefusedError(f"access to USBD.{name} while the USBD is suspended")

    def _require_setup(self, task: str) -> None:
        if self._control != "setup":
            state = self._control or "no request"
            raise RefusedError(f"USBD.TASKS_{task} when there is nothing to answer ({state})")
        if task == "EP0RCVOUT" and (self._setup[0] & 0x80 or not any(self._setup[6:])):
            raise RefusedError("USBD.TASKS_EP0RCVOUT for a request without data from the host")

    def _enable(self, value: int) -> None:
        if value and not self.values["ENABLE"]:
            if not self._powered():
                raise RefusedError("USBD.ENABLE without power on the cable (6.35.4)")
            if not self._errata.enables:
                raise RefusedError("USBD.ENABLE without the sequences of errata 171 and 187")
            self.schedule.after(READY_CYCLES, lambda: self._cause(READY))
        elif not value:
            self._drop()
            self.values.update({"USBPULLUP": 0, "LOWPOWER": 0, "EVENTCAUSE": 0})
            self.values.update({"EPINEN": 1, "EPOUTEN": 1})
        self.values["ENABLE"] = value
        self.notify()

    def _pull_up(self, value: int) -> None:
        if value and not self._powered():
            raise RefusedError("USBD.USBPULLUP before POWER.USBREGSTATUS says OUTPUTRDY (6.35.4)")
        if value and not self._crystal():
            raise RefusedError("USBD.USBPULLUP without the crystal (6.35.4)")
        self.values["USBPULLUP"] = value
        self.notify()

    def _accept(self, endpoint: int) -> None:
        """Let the first packet come (6.35.10): any write to SIZE says so."""
        self._accepting.add(endpoint)
        self._waiting.pop(endpoint, None)
        self.notify()

    def _stall(self, value: int) -> None:
        address = value & 0x87
        if value >> 8:
            self._halted.add(address)
        else:
            self._halted.discard(address)
        self.notify()

    def _toggle(self, value: int) -> None:
        if value >> 8 == 0:
            self._selected = value & 0x87
        elif self._selected != value & 0x87:
            raise RefusedError("write to USBD.DTOGGLE without selecting the endpoint first")

    def _low_power(self, value: int) -> None:
        if self.values["LOWPOWER"] and not value:
            if not self._crystal():
                raise RefusedError("USBD.LOWPOWER left without the crystal (6.35.8)")
            if not self._errata.wakes:
                raise RefusedError("USBD.LOWPOWER left without the sequence of erratum 171")
            self.schedule.after(READY_CYCLES, lambda: self._cause(WAKE_ALLOWED))
        self.values["LOWPOWER"] = value
        self.notify()

    def _start(self, to_host: bool, endpoint: int) -> None:
        channel = f"{'EPIN' if to_host else 'EPOUT'}[{endpoint}]"
        if self.values["ERRATUM_199"] != BUSY:
            raise RefusedError(f"USBD.{channel}: EasyDMA without the register of erratum 199")
        if not self.values["EPINEN" if to_host else "EPOUTEN"] >> endpoint & 1:
            raise RefusedError(f"USBD.{channel} is not enabled")
        address, count = self.values[f"{channel}.PTR"], self.values[f"{channel}.MAXCNT"]
        if to_host and endpoint in self._armed:
            raise RefusedError(f"USBD.{channel}: the host has not fetched the last packet")
        if not to_host and endpoint not in self._waiting:
            raise RefusedError(f"USBD.{channel}: there is no packet of the host")
        if count > PACKET_BYTES:
            raise RefusedError(f"USBD.{channel}.MAXCNT is {count}, a packet has {PACKET_BYTES}")
        packet = None if to_host else self._waiting.pop(endpoint)
        if packet is not None and len(packet) != count:
            raise RefusedError(f"USBD.{channel}.MAXCNT is {count}, the packet has {len(packet)}")
        self._busy = True
        moved = self._transfer(f"USBD.{channel}", address, count, packet)
        cycles = DMA_CYCLES * (count + 1)
        self.schedule.after(cycles, lambda: self._end(to_host, endpoint, moved))

    def _end(self, to_host: bool, endpoint: int, packet: bytes) -> None:
        self._busy = False
        if to_host:
            self._armed[endpoint] = packet
            self.fire(f"ENDEPIN[{endpoint}]")
        else:
            if endpoint:
                self._accepting.add(endpoint)
            self.fire(f"ENDEPOUT[{endpoint}]")
        self.notify()

    def _data(self, bit: int) -> None:
        self.values["EPDATASTATUS"] |= bit
        self.fire("EPDATA")

    def _cause(self, bit: int) -> None:
        if self.values["ENABLE"]:
            self.values["EVENTCAUSE"] |= bit
            self.fire("USBEVENT")

    def _drop(self) -> None:
        for endpoint in range(USBD_ENDPOINTS):
            self._armed.pop(endpoint, None)
            self._waiting.pop(endpoint, None)
        self._accepting.clear()
        self._halted.clear()
        self._control = ""
