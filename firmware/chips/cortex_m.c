// Start-up and fault handlers of any ARMv6-M, ARMv7-M, ARMv7E-M or ARMv8-M core.
//
// SPDX-License-Identifier: Apache-2.0
#include "chip.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

// Armv7-M Architecture Reference Manual (DDI 0403E), B3.2.2, B3.3.2, B3.4.3, B3.5.4. ARMv8-M has
// the same; ARMv6-M (DDI 0419) has fewer, and of faults HardFault alone, without a status.
#define SYST_CSR   REGISTER(0xe000e010u)
#define NVIC_ICER  ((volatile uint32_t *)0xe000e180u)
#define NVIC_ICPR  ((volatile uint32_t *)0xe000e280u)
#define SCB_ICSR   REGISTER(0xe000ed04u)
#define SCB_VTOR   REGISTER(0xe000ed08u)
#define SCB_AIRCR  REGISTER(0xe000ed0cu)
#define SCB_SCR    REGISTER(0xe000ed10u)
#define SCB_CCR    REGISTER(0xe000ed14u)
#define SCB_SHCSR  REGISTER(0xe000ed24u)
#define SCB_CFSR   REGISTER(0xe000ed28u)
#define SCB_HFSR   REGISTER(0xe000ed2cu)
#define SCB_MMFAR  REGISTER(0xe000ed34u)
#define SCB_BFAR   REGISTER(0xe000ed38u)
#define SCB_CPACR  REGISTER(0xe000ed88u)
#define FPU_FPDSCR REGISTER(0xe000ef3cu)
#define MPU_CTRL   REGISTER(0xe000ed94u)

#if __ARM_ARCH >= 7
#define HAS_FAULT_STATUS 1
#define NVIC_WORDS       8 // 240 interrupts; absent ones are ignored
#else
#define HAS_FAULT_STATUS 0
#define NVIC_WORDS       1
#endif

#define ICSR_PENDSVCLR  (1u << 27)
#define ICSR_PENDSTCLR  (1u << 25)
#define CCR_STKALIGN    (1u << 9)
#define CCR_DIV_0_TRP   (1u << 4)
#define CFSR_MMARVALID  (1u << 7)
#define CFSR_BFARVALID  (1u << 15)
#define CPACR_CP10_CP11 (0xfu << 20)
#define AIRCR_RESET     (0x05fau << 16 | 1u << 2) // the key, and SYSRESETREQ
#define FPSCR_LTPSIZE   (7u << 16)

#define STACK_PAINT 0xa5a5a5a5u

// From cortex_m.ld.
extern uint32_t __stack_bottom[], __stack_top[], __fault_floor[];
extern uint32_t __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_load[];
extern const uint8_t __image_start[], __image_end[];

int main(void);
void tk_reset(void);
void tk_fault_entry(void);
_Noreturn void tk_start(void);
_Noreturn void tk_fault_stop(const uint32_t *frame);

typedef void (*vector)(void);

typedef struct {
    uint32_t *stack_top;
    vector handlers[15];
} vector_table;

// The core's own (DDI 0403E, B1.5.3); a chip that unmasks interrupts has theirs in .interrupts.
__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    __stack_top,
    {
        tk_reset,
        tk_fault_entry, // NMI
        tk_fault_entry, // HardFault
        tk_fault_entry, // MemManage
        tk_fault_entry, // BusFault
        tk_fault_entry, // UsageFault
        0,
        0,
        0,
        0,
        tk_fault_entry, // SVCall
        tk_fault_entry, // DebugMonitor
        0,
        tk_fault_entry, // PendSV
        tk_fault_entry, // SysTick
    },
};

// A bootloader may have left any stack, privileged thread mode on the process stack and any mask.
__attribute__((naked)) void tk_reset(void)
{
    __asm__ volatile("cpsid i\n"
                     "movs r0, #0\n"
#if HAS_FAULT_STATUS
                     "msr basepri, r0\n"
#endif
                     "msr control, r0\n"
                     "isb\n"
                     "ldr r0, =__stack_top\n"
                     "msr msp, r0\n"
#if HAS_FAULT_STATUS
                     "cpsie f\n"
#endif
                     "ldr r1, =__stack_bottom\n"
                     "ldr r2, =0xa5a5a5a5\n" // STACK_PAINT
                     "1: stm r1!, {r2}\n"
                     "cmp r1, r0\n"
                     "blo 1b\n"
                     "bl tk_start\n"
                     ".ltorg\n");
}

static void take_over_core(void)
{
    SYST_CSR = 0;
    for (int i = 0; i < NVIC_WORDS; i++) {
        NVIC_ICER[i] = UINT32_MAX;
        NVIC_ICPR[i] = UINT32_MAX;
    }
    SCB_ICSR = ICSR_PENDSVCLR | ICSR_PENDSTCLR;
#if HAS_FAULT_STATUS // ARMv6-M is as reset has left it: QEMU's has not even the SCR
    MPU_CTRL = 0;
    SCB_VTOR = (uint32_t)&vectors;
    SCB_SCR = 0;
    SCB_CCR = CCR_STKALIGN | CCR_DIV_0_TRP;
    SCB_SHCSR = 0;
    SCB_CFSR = UINT32_MAX; // sticky, cleared by writing ones (B3.2.15)
    SCB_HFSR = UINT32_MAX;
#endif
#if defined(__ARM_FP)
    SCB_CPACR |= CPACR_CP10_CP11;
#endif
    __asm__ volatile("dsb\nisb" ::: "memory");
#if defined(__ARM_FP)
    // floats of IEEE 754 whatever the bootloader chose: to the nearest, no flush to zero (A2.5.3)
    FPU_FPDSCR = 0; // what FPSCR begins with in every context (B3.2.23)
    uint32_t status = 0;
#if __ARM_ARCH >= 8 // GCC 12 does not tell 8.1-M from 8-M, which has no LTPSIZE and reads it as 0
    __asm__ volatile("vmrs %0, fpscr" : "=r"(status));
    status &= FPSCR_LTPSIZE; // 4 from reset on; with another, every LE is a fault (DDI 0553)
#endif
    __asm__ volatile("vmsr fpscr, %0" : : "r"(status));
#endif
}

void tk_start(void)
{
    take_over_core();
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

void tk_chip_restart(void)
{
    __asm__ volatile("dsb" ::: "memory");
    SCB_AIRCR = AIRCR_RESET;
    tk_chip_stop();
}

void tk_chip_stop(void)
{
    for (;;) {
        __asm__ volatile("wfi");
    }
}

// After an overflow the stack pointer is below RAM: report from the top of the stack instead, where
// the report cannot reach a frame that lies below the floor.
__attribute__((naked)) void tk_fault_entry(void)
{
    __asm__ volatile("mrs r0, msp\n"
                     "ldr r1, =__fault_floor\n"
                     "cmp r0, r1\n"
                     "bhs 1f\n"
                     "ldr r1, =__stack_top\n"
                     "msr msp, r1\n"
                     "1: bl tk_fault_stop\n"
                     ".ltorg\n");
}

void tk_fault_stop(const uint32_t *frame)
{
    enum { FRAME_LR = 5, FRAME_PC = 6, FRAME_WORDS = 8 }; // DDI 0403E, B1.5.6
    tk_fault fault = {.cfsr = 0};
    if ((frame >= __stack_bottom) && (frame + FRAME_WORDS <= __stack_top)) {
        fault.pc = frame[FRAME_PC];
        fault.lr = frame[FRAME_LR];
    }
#if HAS_FAULT_STATUS
    fault.cfsr = SCB_CFSR;
    fault.hfsr = SCB_HFSR;
    if (fault.cfsr & CFSR_BFARVALID) {
        fault.address = SCB_BFAR;
    } else if (fault.cfsr & CFSR_MMARVALID) {
        fault.address = SCB_MMFAR;
    }
#endif
    if (tk_fault_report(&fault)) {
        tk_chip_restart();
    }
    tk_chip_stop();
}
