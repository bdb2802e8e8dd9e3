// Start-up and trap handler of a 32-bit RISC-V hart in machine mode.
//
// SPDX-License-Identifier: Apache-2.0
#include "chip.h"

#define STACK_PAINT 0xa5a5a5a5u

// From riscv.ld.
extern uint32_t __stack_bottom[], __stack_top[], __fault_floor[];
extern uint32_t __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_load[];
extern const uint8_t __image_start[], __image_end[];

// GCC 12 calls the control registers an extension, and has no library of that name.
__asm__(".option arch, +zicsr");

int main(void);
void tk_reset(void);
void tk_trap_entry(void);
_Noreturn void tk_start(void);
_Noreturn void tk_fault_stop(uint32_t lr);

// Privileged specification, 3.1: external interrupts end WFI and none is ever taken; every trap
// stops.
__attribute__((naked, section(".vectors"), used)) void tk_reset(void)
{
    __asm__ volatile("csrci mstatus, 8\n"
                     "li t0, 0x800\n"
                     "csrw mie, t0\n"
                     "la t0, tk_trap_entry\n"
                     "csrw mtvec, t0\n"
                     "la sp, __stack_top\n"
                     "la t0, __stack_bottom\n"
                     "li t1, 0xa5a5a5a5\n" // STACK_PAINT
                     "1: sw t1, 0(t0)\n"
                     "addi t0, t0, 4\n"
                     "bltu t0, sp, 1b\n"
                     "j tk_start\n");
}

void tk_start(void)
{
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0;
    }
    tk_chip_start();
    main();
    tk_chip_stop();
}

tk_image tk_chip_image(void)
{
    return (tk_image){__image_start, (uint32_t)(__image_end - __image_start)};
}

// From the bottom, which tk_reset has painted, to the first word that was written.
tk_stack tk_chip_stack(void)
{
    const volatile uint32_t *word = __stack_bottom;
    while ((word < __stack_top) && (*word == STACK_PAINT)) {
        word++;
    }
    const uint32_t bytes = (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_bottom);
    return (tk_stack){bytes, (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word)};
}

void tk_chip_stop(void)
{
    for (;;) {
        __asm__ volatile("wfi");
    }
}

// After an overflow the stack pointer is below RAM: report from the top of the stack instead.
__attribute__((naked, aligned(4))) void tk_trap_entry(void)
{
    __asm__ volatile("mv a0, ra\n"
                     "la t0, __fault_floor\n"
                     "bgeu sp, t0, 1f\n"
                     "la sp, __stack_top\n"
                     "1: j tk_fault_stop\n");
}

// The cause stands where an Arm core has its CFSR.
void tk_fault_stop(uint32_t lr)
{
    tk_fault fault = {.lr = lr};
    __asm__ volatile("csrr %0, mepc" : "=r"(fault.pc));
    __asm__ volatile("csrr %0, mcause" : "=r"(fault.cfsr));
    __asm__ volatile("csrr %0, mtval" : "=r"(fault.address));
    if (tk_fault_report(&fault)) {
        tk_chip_restart();
    }
    tk_chip_stop();
}
