"""Run an nRF52840 image in unicorn.

The only file that imports unicorn, whose engine is GPL: it is optional and never bundled.
Exceptions follow the ARMv7-M Architecture Reference Manual (DDI 0403E), whose sections are cited.
"""

import contextlib
import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as arm

from tinykit.host import cortex_m
from tinykit.host.cortex_m import CpuState, exception_name
from tinykit.host.nrf52840 import (
    PERIPHERALS_BASE,
    PERIPHERALS_BYTES,
    LinkFacts,
    Memory,
    Nrf52840,
    Sizes,
)
from tinykit.host.nrf52840_ram import RAM_BASE
from tinykit.host.nrf52840_registers import (
    RESET_BY_PIN,
    RESET_BY_SOFTWARE,
    RESET_BY_WATCHDOG,
)
from tinykit.host.profiler import PAINT, Cpu, Profiler
from tinykit.host.registers import RefusedError
from tinykit.host.split import Split

NEVER = 0xFFFFFFFE  # an address that no code reaches: emu_start wants one to stop at
STUCK_SLEEPS = 20_000
WFI_CODES = (b"\x30\xbf", b"\xaf\xf3\x03\x80")
CPSIE_I = b"\x62\xb6"
UDF = b"\xde\xde"  # what the bootloader's flash is filled with
EXC_RETURN_HANDLER, EXC_RETURN_THREAD = 0xFFFFFFF1, 0xFFFFFFF9  # B1.5.8
EXC_RETURN_BASIC = 1 << 4
BASIC_FRAME_BYTES, EXTENDED_FRAME_BYTES = 0x20, 0x68  # B1.5.6
XPSR_ALIGNED = 1 << 9
MMIO_REGIONS = (
    (0x10000000, 0x2000),  # FICR and UICR
    (PERIPHERALS_BASE, PERIPHERALS_BYTES),
    (0xE0000000, 0x100000),
)
FRAME_REGISTERS = (
    arm.UC_ARM_REG_R0,
    arm.UC_ARM_REG_R1,
    arm.UC_ARM_REG_R2,
    arm.UC_ARM_REG_R3,
    arm.UC_ARM_REG_R12,
    arm.UC_ARM_REG_LR,
)
FPU_REGISTERS = tuple(getattr(arm, f"UC_ARM_REG_S{i}") for i in range(16))
# The numbers that unicorn's interrupt hook gives (QEMU, target/arm/cpu.h)
QEMU_SVC, QEMU_BKPT, QEMU_EXCEPTION_EXIT, QEMU_NOCP, QEMU_INVSTATE = 2, 7, 8, 17, 18

_RawHook = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True)
class Image:
    """Hold what the ELF says: flash contents, and where RAM is occupied."""

    flash: tuple[tuple[int, bytes], ...]
    ram_sections: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Return the address of the vector table: the lowest loaded one."""
        return min(address for address, _ in self.flash)

    def stack_floor(self, pointer: int) -> int:
        """Return how far down the stack may grow from `pointer`."""
        floor = RAM_BASE
        for start, end in self.ram_sections:
            if start < pointer <= end:
                return start
            if end <= pointer:
                floor = max(floor, end)
        return floor


def load_image(path: Path) -> Image:
    """Read the load image of an ELF: segments at their physical addresses."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        flash = tuple(
            (int(segment["p_paddr"]), bytes(segment.data()))
            for segment in elf.iter_segments("PT_LOAD")
            if segment["p_filesz"]
        )
        sections = tuple(
            sorted(
                (int(section["sh_addr"]), int(section["sh_addr"] + section["sh_size"]))
                for section in elf.iter_sections()
                if section["sh_flags"] & 2 and section["sh_size"] and section["sh_addr"] >= RAM_BASE
            )
        )
    return Image(flash, sections)


class Machine:
    """Hold the CPU, its memory and the chip around it."""

    def __init__(
        self, image: Image, link: LinkFacts, split: Split, sizes: Sizes, port: int
    ) -> None:
        self.image = image
        self.sizes = sizes
        self.slept_cycles = 0
        self.faults: list[str] = []
        self.resets = 0
        self._before_resets = 0  # cycles of the virtual clock
        self.stop_asked = False
        self._link = link
        self._port = port
        self._stuck_sleeps = 0
        self._stopped = False
        self._failure: Exception | None = None
        self._interrupt: int | None = None
        self._invalid: tuple[int, int] | None = None
        self._uc = unicorn.Uc(
            unicorn.UC_ARCH_ARM,
            unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS,
            arm.UC_CPU_ARM_CORTEX_M4,
        )
        cpu = Cpu(
            self._read_memory,
            self._uc.mem_write,
            lambda: self._register(arm.UC_ARM_REG_SP),
            lambda: self._register(arm.UC_ARM_REG_LR),
        )
        self.profiler = Profiler(cpu, split, image.stack_floor)
        self._map_memory()
        self._add_hooks()
        self.reset(0)

    def reset(self, reasons: int = RESET_BY_PIN) -> None:
        """Start again as the bootloader starts an application: no register is what one hopes."""
        self.profiler.reset()
        self.slept_cycles = 0
        self._uc.mem_protect(RAM_BASE, self.sizes.ram_bytes, unicorn.UC_PROT_ALL)
        self._dark: frozenset[range] = frozenset()
        self._uc.mem_write(RAM_BASE, bytes([PAINT]) * self.sizes.ram_bytes)
        for number in range(13):  # not the paint of the stack, or pushing it would leave no trace
            self._uc.reg_write(arm.UC_ARM_REG_R0 + number, 0xB007_0000 + number)
        for number in (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_CONTROL):
            self._uc.reg_write(number, 0)
        self._uc.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        self.stack_top, entry = struct.unpack("<II", self._read_memory(self.image.start, 8))
        self._uc.reg_write(arm.UC_ARM_REG_MSP, self.stack_top)
        self._uc.reg_write(arm.UC_ARM_REG_LR, 0x101)  # somewhere in the bootloader
        self._pc = entry & ~1
        self.chip = Nrf52840(
            self._link,
            Memory(self._read_memory, self._uc.mem_write, self.sizes.ram_bytes),
            self._now,
            self._send,
            self._awake,
        )
        self.chip.clock.values["RESETREAS"] = reasons
        if not entry & 1:
            raise RefusedError(f"the reset vector is 0x{entry:08x}, not a Thumb address")

    def run(self) -> bool:
        """Run until only the host can wake the CPU (True), or until `stop_asked` (False)."""
        while not self.stop_asked:
            self.chip.schedule.run_due()
            number = self.chip.system.ready(self._state)
            if number is not None:
                self._enter(number, self._pc)
            self._follow_power()
            self._execute()
            if self.chip.system.reset_requested:
                self._reset_itself(RESET_BY_SOFTWARE)
            elif self.chip.watchdog.expired:
                self._reset_itself(RESET_BY_WATCHDOG)
            elif not self._stopped and self._at_wfi() and not self._sleep():
                return True
        self.stop_asked = False
        return False

    def wake_source(self) -> str:
        """Say what can wake the sleeping CPU: "host", or "reset" after a fault was reported.

        Raises:
            RefusedError: nothing can.
        """
        if self.chip.host_can_wake():
            return "host"
        if any(number <= cortex_m.USAGE_FAULT for number in self.chip.system.active):
            return "reset"
        raise RefusedError(f"WFI with nothing that can ever wake it, at pc 0x{self._pc - 2:08x}")

    def receive(self, data: bytes) -> None:
        """Let the host's bytes arrive; the CPU goes on sleeping until the first one is in."""
        self.chip.receive(data)

    def sleep_on(self) -> bool:
        """Go on sleeping after something arrived; False if still nothing wakes the CPU."""
        return self._sleep()

    def counters(self) -> dict[str, object]:
        """Return what has been counted since reset."""
        now = self._now()
        return {
            "instructions": self.profiler.instructions,
            "cycles": self.profiler.cycles,
            "elapsed_cycles": self._before_resets + now,
            "sleep_share": self.slept_cycles / now if now else 0.0,
            "stack_bytes": self.profiler.stack_high_water(self.stack_top),
            "faults": self.faults,
            "notes": self.chip.notes,
            "resets": self.resets,
        }

    def _map_memory(self) -> None:
        readable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC  # writing flash takes the NVMC
        self._uc.mem_map(0, self.sizes.flash_bytes, readable)
        self._uc.mem_map(RAM_BASE, self.sizes.ram_bytes)
        self._uc.mem_write(0, UDF * (self.image.start // 2))
        erased = self.sizes.flash_bytes - self.image.start
        self._uc.mem_write(self.image.start, b"\xff" * erased)
        for address, data in self.image.flash:
            self._uc.mem_write(address, data)
        for base, size in MMIO_REGIONS:
            self._uc.mmio_map(base, size, self._read_register, base, self._write_register, base)

    def _add_hooks(self) -> None:
        self._raw_hook = _RawHook(self.profiler.block_hook(self._stop, self._fail))
        handle = ctypes.c_size_t()
        # unicorn's own wrapper of a block hook takes twice the time
        status = unicorn.unicorn_py3.unicorn.uclib.uc_hook_add(
            self._uc._uch,
            ctypes.byref(handle),
            unicorn.UC_HOOK_BLOCK,
            self._raw_hook,
            None,
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        assert status == unicorn.UC_ERR_OK
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        for base, size in MMIO_REGIONS:
            self._uc.hook_add(
                unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE,
                _know_pc,
                begin=base,
                end=base + size - 1,
            )
        for address in self._unmasking():
            self._uc.hook_add(unicorn.UC_HOOK_CODE, self._on_unmask, begin=address, end=address)

    def _unmasking(self) -> list[int]:
        """Find where interrupts may be unmasked: every `cpsie i`, or what looks like one."""
        return [
            address + offset
            for address, data in self.image.flash
            for offset in range(0, len(data) - 1, 2)
            if data[offset : offset + 2] == CPSIE_I
        ]

    def _follow_power(self) -> None:
        """Let RAM without power be touched no more; back with power, it holds nothing."""
        dark = self.chip.clock.ram.dark
        for addresses in self._dark ^ dark:
            off = addresses in dark
            protection = unicorn.UC_PROT_NONE if off else unicorn.UC_PROT_ALL
            self._uc.mem_protect(addresses.start, len(addresses), protection)
            if not off:
                self._uc.mem_write(addresses.start, bytes([PAINT]) * len(addresses))
        self._dark = dark

    def _refuse_dark(self, address: int) -> None:
        if any(address in addresses for addresses in self._dark):
            raise RefusedError(
                f"access to RAM at 0x{address:08x}, which has no power, at pc 0x{self._pc:08x}"
            )

    def _execute(self) -> None:
        self._interrupt = self._invalid = None
        self._stopped = False
        error = None
        try:
            self._uc.emu_start(self._pc | 1, NEVER)
        except unicorn.UcError as caught:
            error = caught
        self._pc = self._register(arm.UC_ARM_REG_PC)
        if self._failure is not None:
            raise self._failure
        if self._interrupt is not None:
            self._on_exception(self._interrupt)
        elif error is not None:
            self._on_error(error)
        self._check_fpu()

    def _sleep(self) -> bool:
        """Let virtual time pass until an interrupt wakes the CPU; False if none is to come."""
        schedule = self.chip.schedule
        slept = False
        while True:
            schedule.run_due()
            if self.chip.system.wakes(self._state):
                self._check_stuck(slept)
                return True
            due = schedule.next_due()
            if due is None:
                return False
            self.slept_cycles += max(0, due - self._now())
            slept = True

    def _check_stuck(self, slept: bool) -> None:
        self._stuck_sleeps = 0 if slept else self._stuck_sleeps + 1
        if self._stuck_sleeps > STUCK_SLEEPS:
            number = self.chip.system.ready(lambda: CpuState(0, 0, 0))
            name = exception_name(number) if number is not None else "an exception"
            raise RefusedError(
                f"WFI returned at once {STUCK_SLEEPS} times at pc 0x{self._pc - 2:08x}: "
                f"{name} stays pending"
            )

    def _at_wfi(self) -> bool:
        address, size = self.profiler.last_block()
        if address + size != self._pc:
            return False
        code = self._read_memory(address, size)
        return code.endswith(WFI_CODES)

    def _on_error(self, error: unicorn.UcError) -> None:
        """Turn what unicorn could not do into the fault that the core takes."""
        values = self.chip.system.values
        if self._invalid is not None:
            access, address = self._invalid
            self._refuse_dark(address)
            if access in (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT):
                self._fault(cortex_m.BUS_FAULT, cortex_m.CFSR_IBUSERR)
            else:
                values["BFAR"] = address
                status = cortex_m.CFSR_PRECISERR | cortex_m.CFSR_BFARVALID
                self._fault(cortex_m.BUS_FAULT, status)
        elif error.errno == unicorn.UC_ERR_INSN_INVALID:
            thumb = self._register(arm.UC_ARM_REG_XPSR) >> 24 & 1
            status = cortex_m.CFSR_UNDEFINSTR if thumb else cortex_m.CFSR_INVSTATE
            self._fault(cortex_m.USAGE_FAULT, status)
        else:
            raise RefusedError(f"unicorn: {error}, at pc 0x{self._pc:08x}")

    def _on_exception(self, interrupt: int) -> None:
        if interrupt == QEMU_EXCEPTION_EXIT:
            self._leave()
        elif interrupt == QEMU_SVC:
            number = self.chip.system.fault_exception(cortex_m.SVCALL, self._state())
            self._enter(number, self._pc)
        elif interrupt == QEMU_BKPT:
            self.chip.system.values["HFSR"] |= cortex_m.HFSR_DEBUGEVT  # C1.6.4: no debugger
            self._fault(cortex_m.HARD_FAULT, 0)
        elif interrupt == QEMU_NOCP:
            self._fault(cortex_m.USAGE_FAULT, cortex_m.CFSR_NOCP)
        elif interrupt == QEMU_INVSTATE:
            self._fault(cortex_m.USAGE_FAULT, cortex_m.CFSR_INVSTATE)
        else:
            raise RefusedError(f"unicorn: exception {interrupt}, at pc 0x{self._pc:08x}")

    def _fault(self, number: int, status: int) -> None:
        system = self.chip.system
        system.values["CFSR"] |= status
        where = f"{exception_name(number)} at pc 0x{self._pc:08x}"
        try:
            taken = system.fault_exception(number, self._state())
        except RefusedError as error:
            raise RefusedError(f"{error}, at pc 0x{self._pc:08x}") from None
        values = system.values
        self.faults.append(f"{where}, cfsr 0x{values['CFSR']:08x}, hfsr 0x{values['HFSR']:08x}")
        self._enter(taken, self._pc)

    def _enter(self, number: int, return_address: int) -> None:
        """Take an exception (B1.5.6)."""
        handler = self._vector(number)
        if self._register(arm.UC_ARM_REG_CONTROL) & 2:
            raise RefusedError(f"{exception_name(number)} on the process stack, not modelled")
        handler_mode = bool(self.chip.system.active)
        extended = self.profiler.fpu_used and not handler_mode
        self._push_frame(return_address, extended, number)
        returning = EXC_RETURN_HANDLER if handler_mode else EXC_RETURN_THREAD
        self._uc.reg_write(arm.UC_ARM_REG_LR, returning & ~(EXC_RETURN_BASIC if extended else 0))
        self._uc.reg_write(arm.UC_ARM_REG_IPSR, number)
        self.chip.system.enter(number)
        self._pc = handler

    def _vector(self, number: int) -> int:
        table = self.chip.system.values["VTOR"]
        name = exception_name(number)
        if table < self.image.start:
            raise RefusedError(
                f"{name} at pc 0x{self._pc:08x} while VTOR is 0x{table:08x}, "
                f"the bootloader's vectors; the image is at 0x{self.image.start:08x}"
            )
        (handler,) = struct.unpack("<I", self._read_memory(table + 4 * number, 4))
        if not handler & 1:
            raise RefusedError(f"the vector of {name} is 0x{handler:08x}, no handler")
        return int(handler & ~1)

    def _push_frame(self, return_address: int, extended: bool, number: int) -> None:
        pointer = self._register(arm.UC_ARM_REG_SP)
        words = [self._register(register) for register in FRAME_REGISTERS]
        aligned = XPSR_ALIGNED if pointer & 4 else 0
        words += [return_address, self._register(arm.UC_ARM_REG_XPSR) & ~XPSR_ALIGNED | aligned]
        pointer = (pointer - (EXTENDED_FRAME_BYTES if extended else BASIC_FRAME_BYTES)) & ~7
        if extended:
            words += [self._register(register) for register in FPU_REGISTERS]
            words += [self._register(arm.UC_ARM_REG_FPSCR), 0]
        try:
            self._uc.mem_write(pointer, struct.pack(f"<{len(words)}I", *words))
        except unicorn.UcError:  # the stack has overflowed; the handler starts all the same
            if number >= cortex_m.FIRST_IRQ:
                raise RefusedError(f"stack overflow at an interrupt, sp 0x{pointer:08x}") from None
            self.chip.system.values["CFSR"] |= cortex_m.CFSR_STKERR
        self._uc.reg_write(arm.UC_ARM_REG_SP, pointer)

    def _leave(self) -> None:
        """Return from an exception (B1.5.8); the program counter holds EXC_RETURN."""
        pointer = self._register(arm.UC_ARM_REG_SP)
        extended = not self._pc & EXC_RETURN_BASIC
        words = struct.unpack("<8I", self._read_memory(pointer, BASIC_FRAME_BYTES))
        for register, value in zip(FRAME_REGISTERS, words[:6], strict=True):
            self._uc.reg_write(register, value)
        if extended:
            saved = struct.unpack("<17I", self._read_memory(pointer + BASIC_FRAME_BYTES, 68))
            for register, value in zip(FPU_REGISTERS, saved[:16], strict=True):
                self._uc.reg_write(register, value)
            self._uc.reg_write(arm.UC_ARM_REG_FPSCR, saved[16])
        pointer += EXTENDED_FRAME_BYTES if extended else BASIC_FRAME_BYTES
        self._uc.reg_write(arm.UC_ARM_REG_XPSR, words[7] & ~XPSR_ALIGNED)
        self._uc.reg_write(arm.UC_ARM_REG_SP, pointer + (4 if words[7] & XPSR_ALIGNED else 0))
        self.chip.system.leave()
        self._pc = words[6] & ~1

    def _check_fpu(self) -> None:
        """Refuse floating point before CPACR allows it (B3.2.20): unicorn itself would run it.

        Its FPSCR begins with 0 whatever FPDSCR says (B3.2.23), so that has to be 0.
        """
        self.profiler.flush()
        if self.profiler.fpu_used and not self.chip.system.values["CPACR"]:
            raise RefusedError("a floating point instruction ran while SCB.CPACR denies the FPU")
        if self.profiler.fpu_used and self.chip.system.values["FPDSCR"]:
            raise RefusedError("a floating point instruction ran while FPDSCR flushes to zero")

    def _read_register(self, _uc: unicorn.Uc, offset: int, size: int, base: int) -> int:
        try:
            value = self.chip.read(base + offset, size)
            if self.chip.system.ready(self._state) is not None:
                self.profiler.stop_soon()
            return value
        except Exception as error:
            self._fail(error)
            return 0

    def _write_register(
        self, _uc: unicorn.Uc, offset: int, size: int, value: int, base: int
    ) -> None:
        try:
            self._check_fpu()
            self.chip.write(base + offset, size, value)
            system = self.chip.system
            moved = self.chip.clock.ram.dark != self._dark
            if moved or system.reset_requested or system.ready(self._state) is not None:
                self.profiler.stop_soon()
        except Exception as error:
            self._fail(error)

    def _on_unmask(self, _uc: unicorn.Uc, _address: int, _size: int, _data: object) -> None:
        if self.chip.system.wakes(self._state):
            self.profiler.stop_soon()

    def _stop(self) -> None:
        """Leave unicorn between two blocks; elsewhere it would run an instruction twice."""
        self._stopped = True
        self._uc.emu_stop()

    def _on_invalid(
        self, _uc: unicorn.Uc, access: int, address: int, _size: int, _value: int, _data: object
    ) -> bool:
        self._invalid = (access, address)
        return False

    def _on_interrupt(self, _uc: unicorn.Uc, number: int, _data: object) -> None:
        self._interrupt = number
        self._uc.emu_stop()

    def _fail(self, error: Exception) -> None:
        """Keep the first error of a hook, which `_execute` raises."""
        if self._failure is None:
            if isinstance(error, RefusedError):
                error = RefusedError(f"{error}, at pc 0x{self._register(arm.UC_ARM_REG_PC):08x}")
            self._failure = error
        self._uc.emu_stop()

    def _reset_itself(self, reason: int) -> None:
        self.resets += 1
        self._before_resets += self._now()
        watchdog = self.chip.watchdog
        unfed_cycles = watchdog.unfed_cycles
        dark = self.chip.clock.ram.dark
        # what was not cleared is still there (PS 5.3.7.10)
        self.reset(self.chip.clock.values["RESETREAS"] | reason)
        if reason == RESET_BY_SOFTWARE and dark:
            raise RefusedError("soft reset while RAM has no power, which the bootloader finds so")
        if reason == RESET_BY_SOFTWARE:
            self.chip.watchdog.outlive(watchdog, unfed_cycles)

    def _now(self) -> int:
        return self._awake() + self.slept_cycles

    def _awake(self) -> int:
        self.profiler.flush()
        return self.profiler.cycles

    def _state(self) -> CpuState:
        return CpuState(
            self._register(arm.UC_ARM_REG_PRIMASK),
            self._register(arm.UC_ARM_REG_FAULTMASK),
            self._register(arm.UC_ARM_REG_BASEPRI),
        )

    def _register(self, number: int) -> int:
        return int(self._uc.reg_read(number))

    def _read_memory(self, address: int, count: int) -> bytes:
        return bytes(self._uc.mem_read(address, count))

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # a line without flow control loses them
            os.write(self._port, data)


def _know_pc(*_arguments: object) -> None:
    """Do nothing: a hook on an access is what keeps unicorn's program counter exact in it."""
