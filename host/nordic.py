"""What every peripheral of a Nordic chip has: tasks, events, interrupt masks (PS 6.1)."""

from tinykit.host.nrf52840_registers import INSTANCES
from tinykit.host.registers import RegisterBlock, Table
from tinykit.host.schedule import Schedule


class NordicPeripheral(RegisterBlock):
    """Treat tasks, events and interrupt masks as every Nordic peripheral does (PS 6.1)."""

    def __init__(self, base: int, registers: Table, schedule: Schedule) -> None:
        super().__init__(INSTANCES[base], base, registers)
        self.irq = base >> 12 & 0x3F
        self.schedule = schedule
        self.mask = 0
        self._bits = {
            register.name: 1 << (offset - 0x100) // 4
            for offset, register in registers.items()
            if register.name.startswith("EVENTS_")
        }

    def raises(self) -> bool:
        """Tell whether the peripheral requests its interrupt."""
        if not self.mask:  # asked often, and most peripherals have no interrupt enabled
            return False
        return any(self.mask & bit and self.values[name] for name, bit in self._bits.items())

    def bit(self, event: str) -> int:
        """Return the bit of an event in the interrupt masks."""
        return self._bits[f"EVENTS_{event}"]

    def fire(self, event: str) -> None:
        """Set an event."""
        self.values[f"EVENTS_{event}"] = 1

    def on_read(self, name: str) -> int:
        """Return the interrupt mask under each of its three names."""
        return self.mask if name.startswith("INTEN") else self.values[name]

    def on_write(self, name: str, value: int) -> None:
        """Trigger a task, clear an event, change the mask, or store."""
        if name.startswith("TASKS_"):
            if value:
                self.on_task(name.removeprefix("TASKS_"))
        elif name == "INTENSET":
            self.mask |= value
        elif name == "INTENCLR":
            self.mask &= ~value
        elif name == "INTEN":
            self.mask = value
        else:
            self.values[name] = value

    def on_task(self, task: str) -> None:
        """Run a task; those of a peripheral that is only switched off do nothing."""
