"""A strict model of the nRF52840's peripherals, as far as tinykit's firmware uses them.

The nRF52833 has the same ones at the same addresses and less memory (its specification v1.5, 4.2).

Sections are those of the nRF52840 Product Specification v1.7 ("PS"). What nrf52840_registers.py
does not list is refused by name or address: silence would prove nothing about the driver.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tinykit.host import nrf52840_ram
from tinykit.host.cortex_m import SCS_BASE, SCS_BYTES, SystemControl
from tinykit.host.nordic import NordicPeripheral
from tinykit.host.nrf52840_counters import Rtc, Timer
from tinykit.host.nrf52840_ram import RAM_BASE, RamPower
from tinykit.host.nrf52840_registers import (
    BAUD_RATES,
    CLOCK_POWER_TABLE,
    CONFIGURATION,
    ERRATA_BASE,
    ERROR_OVERRUN,
    FICR_BASE,
    FICR_TABLE,
    GPIO_TABLE,
    INSTANCES,
    NVMC_BASE,
    NVMC_TABLE,
    SHORT_ENDRX_STARTRX,
    SHORT_ENDRX_STOPRX,
    UARTE_TABLE,
    UNUSED_TABLES,
)
from tinykit.host.nrf52840_usbd import Errata, Usbd
from tinykit.host.nrf52840_watchdog import Watchdog
from tinykit.host.registers import RefusedError, RegisterBlock
from tinykit.host.schedule import Schedule
from tinykit.host.usb_host import UsbHost

CLOCK_HZ = 64_000_000
PERIPHERALS_BASE, PERIPHERALS_BYTES = 0x40000000, 0x20000000
HFXO_START_CYCLES = CLOCK_HZ * 360 // 1_000_000  # 5.4.4.2: t_START_HFXO, 0.36 ms
# 5.4.4.3, 5.4.4.4: t_START_LFRC, 0.6 ms; t_START_LFXO, 0.25 s; by LFCLKSRC
LFCLK_START_CYCLES = {0: CLOCK_HZ * 600 // 1_000_000, 1: CLOCK_HZ // 4}
VBUS, USB_POWERED = 1, 3  # USBREGSTATUS, 5.3.7.12
USB_REGULATOR_CYCLES = CLOCK_HZ // 1_000  # 5.3.8: t_USBREG, 1 ms at most
RX_FIFO_BYTES = 6  # 6.34.5
DISCONNECTED = 1 << 31
ENABLED = 8  # UARTE.ENABLE


@dataclass(frozen=True, slots=True)
class Sizes:
    """Give how much memory a chip of the family has."""

    flash_bytes: int
    ram_bytes: int


NRF52840 = Sizes(0x100000, 0x40000)  # 4.2
SIZES = {"nrf52840": NRF52840, "nrf52833": Sizes(0x80000, 0x20000)}


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """Give what the board's file says about the serial link; pins count from P0.00.

    `usb` names vendor and product if the chip's own USB device carries the link.
    """

    tx_pin: int
    rx_pin: int
    baud: int
    usb: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Give the RAM to EasyDMA."""

    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]
    bytes: int = NRF52840.ram_bytes


class ClockPower(NordicPeripheral):
    """Model the start of the two clocks, the DC/DC switch, and which RAM has power."""

    def __init__(self, schedule: Schedule, ram_bytes: int) -> None:
        super().__init__(0x40000000, {**CLOCK_POWER_TABLE, **dict(nrf52840_ram.rows())}, schedule)
        self.ram = RamPower(ram_bytes)
        self._starting: dict[str, int] = {}

    @property
    def crystal(self) -> bool:
        """Tell whether HFCLK comes from the crystal now."""
        return bool(self.values["HFCLKSTAT"] & 1)

    @property
    def slow_clock(self) -> bool:
        """Tell whether LFCLK runs."""
        return bool(self.values["LFCLKSTAT"] >> 16)

    def on_task(self, task: str) -> None:
        """Start or stop a clock; without the crystal the internal oscillator runs (5.4.1)."""
        clock, started = task[:5], task.endswith("START")
        self.values[f"{clock}RUN"] = int(started)
        if not started:
            self.values[f"{clock}STAT"] = 0
        elif clock not in self._starting and not self.values[f"{clock}STAT"]:
            source = self.values["LFCLKSRC"]
            if clock == "LFCLK" and source not in LFCLK_START_CYCLES:
                raise RefusedError(
                    f"CLOCK.LFCLKSRC is {source}: only the RC and the crystal are modelled"
                )
            cycles = HFXO_START_CYCLES if clock == "HFCLK" else LFCLK_START_CYCLES[source]
            self._starting[clock] = self.schedule.after(cycles, lambda: self._started(clock))

    def on_write(self, name: str, value: int) -> None:
        """Clear reset reasons by ones, otherwise as any."""
        if name.startswith("RAM["):
            self.ram.write(name, value)
        elif name == "RESETREAS":
            self.values[name] &= ~value
        elif name == "LFCLKSRC" and self.values["LFCLKRUN"]:
            raise RefusedError("write to CLOCK.LFCLKSRC while LFCLK runs")
        else:
            super().on_write(name, value)

    def on_read(self, name: str) -> int:
        """Read which RAM has power, otherwise as any."""
        return self.ram.read(name) if name.startswith("RAM[") else super().on_read(name)

    @property
    def usb_powered(self) -> bool:
        """Tell whether a cable with power is plugged in, and its regulator ready (5.3.6)."""
        return self.values["USBREGSTATUS"] == USB_POWERED

    def plug(self) -> None:
        """Plug the USB cable in."""
        self.values["USBREGSTATUS"] = VBUS
        self.fire("USBDETECTED")
        self.schedule.after(USB_REGULATOR_CYCLES, self._usb_ready)

    def unplug(self) -> None:
        """Pull the USB cable out."""
        self.values["USBREGSTATUS"] = 0
        self.fire("USBREMOVED")

    def _usb_ready(self) -> None:
        if self.values["USBREGSTATUS"]:
            self.values["USBREGSTATUS"] = USB_POWERED
            self.fire("USBPWRRDY")

    def _started(self, clock: str) -> None:
        del self._starting[clock]
        if self.values[f"{clock}RUN"]:
            source = 1 if clock == "HFCLK" else self.values["LFCLKSRC"]
            self.values[f"{clock}STAT"] = 1 << 16 | source
            self.fire(f"{clock}STARTED")


class Gpio(RegisterBlock):
    """Store what the pins are told; nothing is connected to them."""

    def __init__(self, port: int) -> None:
        super().__init__(f"P{port}", 0x50000000 + 0x300 * port, GPIO_TABLE)

    def on_read(self, name: str) -> int:
        """Read OUT and DIR under each of their names."""
        return self.values[name.removesuffix("SET").removesuffix("CLR")]

    def on_write(self, name: str, value: int) -> None:
        """Set and clear bits, or store."""
        if name.endswith("SET"):
            self.values[name.removesuffix("SET")] |= value
        elif name.endswith("CLR"):
            self.values[name.removesuffix("CLR")] &= ~value
        else:
            self.values[name] = value


class Uarte(NordicPeripheral):
    """Model the serial port with EasyDMA, at the speed of its baud rate."""

    def __init__(
        self,
        schedule: Schedule,
        facts: LinkFacts,
        memory: Memory,
        send: Callable[[bytes], None],
    ) -> None:
        super().__init__(0x40002000, UARTE_TABLE, schedule)
        self.facts = facts
        self.memory = memory
        self.send = send
        self.receiving = False
        self._sending = b""
        self._fifo = bytearray()
        self._received = 0
        self._rx = (0, 0)
        self._last_arrival = 0

    @property
    def byte_cycles(self) -> int:
        """Return the cycles that one byte takes on the line: ten bits (8N1)."""
        return 10 * CLOCK_HZ // self.facts.baud

    @property
    def enabled(self) -> bool:
        """Tell whether ENABLE says so."""
        return self.values["ENABLE"] == ENABLED

    def arrive(self, data: bytes) -> None:
        """Let bytes arrive at the pin, one byte's time apart."""
        for byte in data:
            self._last_arrival = max(self._last_arrival, self.schedule.now()) + self.byte_cycles
            self.schedule.at(self._last_arrival, lambda byte=byte: self._take(byte))  # type: ignore[misc]

    def on_write(self, name: str, value: int) -> None:
        """Check the configuration when it is used, refuse to change it under way."""
        if name in CONFIGURATION and self.enabled:
            raise RefusedError(f"write to UARTE0.{name} while the UARTE is enabled")
        if name == "ENABLE":
            self._enable(value)
        elif name == "ERRORSRC":
            self.values[name] &= ~value
        else:
            super().on_write(name, value)

    def on_task(self, task: str) -> None:
        """Start, stop and flush."""
        if not self.enabled:
            raise RefusedError(f"UARTE0.TASKS_{task} while UARTE0.ENABLE is 0")
        match task:
            case "STARTRX":
                self._start_rx()
            case "STOPRX":
                self._stop_rx()
            case "STARTTX":
                self._start_tx()
            case "STOPTX":
                self.fire("TXSTOPPED")
            case "FLUSHRX":
                self._flush_rx()

    def _enable(self, value: int) -> None:
        if value not in (0, ENABLED):
            raise RefusedError(f"write of {value} to UARTE0.ENABLE, which knows 0 and 8")
        if value == ENABLED:
            self._check_configuration()
        elif self._sending:
            raise RefusedError("UARTE0 is disabled while it sends")
        self.receiving = False
        self._fifo.clear()
        self.values["ENABLE"] = value

    def _check_configuration(self) -> None:
        for name, pin in (("TXD", self.facts.tx_pin), ("RXD", self.facts.rx_pin)):
            selected = self.values[f"PSEL.{name}"]
            if selected != pin:
                raise RefusedError(
                    f"UARTE0.PSEL.{name} selects {pin_name(selected)}, "
                    f"the board's file says {pin_name(pin)}"
                )
        for name in ("RTS", "CTS"):
            if not self.values[f"PSEL.{name}"] & DISCONNECTED:
                selected = self.values[f"PSEL.{name}"]
                raise RefusedError(
                    f"UARTE0.PSEL.{name} selects {pin_name(selected)}, the link has no flow control"
                )
        self._check_line()

    def _check_line(self) -> None:
        setting = self.values["BAUDRATE"]
        if BAUD_RATES.get(setting) != self.facts.baud:
            known = BAUD_RATES.get(setting)
            meaning = f"{known} baud" if known else "no rate of the manual's table"
            raise RefusedError(
                f"UARTE0.BAUDRATE is 0x{setting:08x}, {meaning}, "
                f"the board's file says {self.facts.baud} baud"
            )
        if self.values["CONFIG"]:
            raise RefusedError(f"UARTE0.CONFIG is {self.values['CONFIG']}, the link is 8N1 (0)")

    def _dma(self, channel: str) -> tuple[int, int]:
        address, count = self.values[f"{channel}.PTR"], self.values[f"{channel}.MAXCNT"]
        check_dma(self.memory, f"UARTE0.{channel}", address, count)
        return address, count

    def _start_tx(self) -> None:
        if self._sending:
            raise RefusedError("UARTE0.TASKS_STARTTX while it sends")
        address, count = self._dma("TXD")
        self._sending = self.memory.read(address, count)
        self.values["TXD.AMOUNT"] = 0
        self.fire("TXSTARTED")
        self.schedule.after(count * self.byte_cycles, lambda: self._end_tx(address))

    def _end_tx(self, address: int) -> None:
        data, self._sending = self._sending, b""
        if self.memory.read(address, len(data)) != data:
            raise RefusedError(
                f"UARTE0.TXD: the {len(data)} bytes at 0x{address:08x} changed while they were sent"
            )
        self.values["TXD.AMOUNT"] = len(data)
        if data:
            self.fire("TXDRDY")
        self.fire("ENDTX")
        self.send(data)

    def _start_rx(self) -> None:
        if self.receiving:
            raise RefusedError("UARTE0.TASKS_STARTRX while it receives")
        self._rx = self._dma("RXD")
        self._received = 0
        self.receiving = True
        self.fire("RXSTARTED")
        while self._fifo and self.receiving and self._received < self._rx[1]:
            self._store(self._fifo.pop(0))

    def _stop_rx(self) -> None:
        if self.receiving:
            self._end_rx(0)
        # 6.34.5: RXTO follows when the last four bytes could have come in
        self.schedule.after(4 * self.byte_cycles, lambda: self.fire("RXTO"))

    def _flush_rx(self) -> None:
        address, count = self._dma("RXD")
        kept = bytes(self._fifo[:count])
        del self._fifo[:count]
        self.memory.write(address, kept)
        self.values["RXD.AMOUNT"] = len(kept)
        self.fire("ENDRX")

    def _take(self, byte: int) -> None:
        if not self.enabled:
            return
        if self.receiving:
            self._store(byte)
        elif len(self._fifo) < RX_FIFO_BYTES:
            self._fifo.append(byte)
        else:
            self.values["ERRORSRC"] |= ERROR_OVERRUN
            self.fire("ERROR")

    def _store(self, byte: int) -> None:
        address, count = self._rx
        self.memory.write(address + self._received, bytes([byte]))
        self._received += 1
        self.fire("RXDRDY")
        if self._received >= count:
            self._end_rx(self.values["SHORTS"])

    def _end_rx(self, shorts: int) -> None:
        self.receiving = False
        self.values["RXD.AMOUNT"] = self._received
        self.fire("ENDRX")
        if shorts & SHORT_ENDRX_STARTRX:
            self._start_rx()
        if shorts & SHORT_ENDRX_STOPRX:
            self._stop_rx()


class Nrf52840:
    """Join the peripherals: one address space, one set of interrupt lines."""

    def __init__(
        self,
        facts: LinkFacts,
        memory: Memory,
        now: Callable[[], int],
        send: Callable[[bytes], None],
        awake: Callable[[], int],
    ) -> None:
        self.schedule = Schedule(now)
        self._send = send
        self._memory = memory
        self.system = SystemControl(self.schedule, self._levels)
        self.clock = ClockPower(self.schedule, memory.bytes)
        self.uarte = Uarte(self.schedule, facts, memory, self._transmit)
        self.errata = Errata()
        self.usbd = Usbd(
            self.schedule,
            self._easy_dma,
            self.errata,
            lambda: bool(self.clock.values["USBREGSTATUS"] & VBUS),
            lambda: self.clock.crystal,
        )
        self.usb = facts.usb and UsbHost(self.schedule, self.usbd, send, facts.usb)
        self.timers = [Timer(0x40008000 + 0x1000 * i, self.schedule, 4) for i in range(3)]
        self.timers += [Timer(0x4001A000 + 0x1000 * i, self.schedule, 6) for i in range(2)]
        self.rtcs = [
            Rtc(base, self.schedule, self.clock) for base in (0x4000B000, 0x40011000, 0x40024000)
        ]
        self.watchdog = Watchdog(self.schedule, awake)
        self.notes: list[str] = []
        self._nordic: list[NordicPeripheral] = [self.clock, self.uarte, self.watchdog]
        self._nordic.append(self.usbd)
        self._nordic += [*self.timers, *self.rtcs]
        self._nordic += [
            NordicPeripheral(base, rows, self.schedule) for base, rows in UNUSED_TABLES.items()
        ]
        self._blocks: dict[int, RegisterBlock] = {block.base: block for block in self._nordic}
        self._blocks |= {
            ERRATA_BASE: self.errata,
            FICR_BASE: RegisterBlock("FICR", FICR_BASE, FICR_TABLE),
            NVMC_BASE: RegisterBlock("NVMC/ACL", NVMC_BASE, NVMC_TABLE),
        }
        self._ports = [Gpio(0), Gpio(1)]
        self._leave_as_bootloader()

    def read(self, address: int, size: int) -> int:
        """Read a register as the CPU does."""
        block = self._block(address, size, "read")
        self.schedule.run_due()
        return block.read(address - block.base, size)

    def write(self, address: int, size: int, value: int) -> None:
        """Write a register as the CPU does."""
        block = self._block(address, size, "write")
        self.schedule.run_due()
        block.write(address - block.base, size, value)

    def receive(self, data: bytes) -> None:
        """Let the host's bytes arrive at the board's RX pin, or over its USB cable."""
        if self.usb is not None:
            self.usb.write(data)
        else:
            self.uarte.arrive(data)

    def host_can_wake(self) -> bool:
        """Tell whether a byte from the host can end WFI."""
        if self.usb is not None:
            return self.usbd.pulled_up and self.usbd.irq in self.system.enabled
        uarte = self.uarte
        events = uarte._bits["EVENTS_ENDRX"] | uarte._bits["EVENTS_RXDRDY"]
        return bool(uarte.receiving and uarte.mask & events and uarte.irq in self.system.enabled)

    def _levels(self) -> set[int]:
        return {peripheral.irq for peripheral in self._nordic if peripheral.raises()}

    def _easy_dma(self, channel: str, address: int, count: int, data: bytes | None) -> bytes:
        check_dma(self._memory, channel, address, count)
        if data is not None:
            self._memory.write(address, data)
        return self._memory.read(address, count) if count else b""

    def _transmit(self, data: bytes) -> None:
        if not self.clock.crystal:
            note = "UARTE0 sent without the crystal: the internal oscillator is off by up to 8 %"
            if note not in self.notes:  # allowed by the hardware (5.4.1, 5.4.4.1)
                self.notes.append(note)
        self._send(data)

    def _block(self, address: int, size: int, access: str) -> RegisterBlock:
        if SCS_BASE <= address < SCS_BASE + SCS_BYTES:
            return self.system
        page = address & ~0xFFF
        if page == 0x50000000:
            return self._ports[int(address >= self._ports[1].base + 0x500)]
        block = self._blocks.get(page)
        if block is None:
            name = INSTANCES.get(page)
            where = f"{name}+0x{address - page:03x}" if name else "nothing the manual names"
            raise RefusedError(
                f"{access} of {8 * size} bits at 0x{address:08x}: {where} is not modelled"
            )
        return block

    def _leave_as_bootloader(self) -> None:
        """Leave behind what a careless bootloader might: start-up must not rely on any of it.

        SysTick runs with its interrupt (the CPU's vectors are still the bootloader's), RTC1 and
        USBD are enabled in the NVIC, UARTE0 is enabled on other pins at another rate with old
        events and its interrupt pending, TIMER0 runs with 16 bits; USB, if there is a cable, still
        shows the bootloader's device.
        """
        self.system.start_systick(CLOCK_HZ // 1000 - 1)
        self.system.enabled = {17, 39}
        self.system.pending.add(16 + 2)
        self.uarte.values.update(
            {"ENABLE": ENABLED, "PSEL.TXD": 6, "PSEL.RXD": 8, "BAUDRATE": 0x00275000}
        )
        self.uarte.fire("ENDTX")
        self.uarte.fire("ENDRX")
        self.timers[0].on_task("START")
        if self.usb is not None:
            self.clock.values["USBREGSTATUS"] = USB_POWERED
            self.usbd.values.update({"ENABLE": 1, "USBPULLUP": 1, "LOWPOWER": 0, "EPINEN": 7})


def check_dma(memory: Memory, channel: str, address: int, count: int) -> None:
    """Refuse EasyDMA outside of RAM."""
    if address < RAM_BASE or address + count > RAM_BASE + memory.bytes:
        raise RefusedError(
            f"{channel}: {count} bytes at 0x{address:08x} are not in RAM, "
            "and EasyDMA reaches nothing else"
        )


def pin_name(selection: int) -> str:
    """Name a pin as the manual does: P1.03."""
    if selection & DISCONNECTED:
        return "no pin"
    return f"P{selection >> 5 & 1}.{selection & 31:02d}"
