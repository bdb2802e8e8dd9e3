// Clocks, link and timer of the RP2040 (section numbers: its datasheet).
//
// SPDX-License-Identifier: Apache-2.0
#include "rp2040.h"
#include "board.h"
#include "chip.h"

// 2.14.3 RESETS
#define RESETS_RESET     0x4000c000u
#define RESETS_DONE      REGISTER(0x4000c008u)
#define RESET_IO_BANK0   (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS    (1u << 12)
#define RESET_TIMER      (1u << 21)
#define RESET_UART0      (1u << 22)
#define RESET_IN_USE (RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_PLL_SYS | RESET_TIMER | RESET_UART0)

// 2.16.7 XOSC
#define XOSC_CTRL             REGISTER(0x40024000u)
#define XOSC_STATUS           REGISTER(0x40024004u)
#define XOSC_STARTUP          REGISTER(0x4002400cu)
#define XOSC_CTRL_ON_1_15_MHZ (0xfabu << 12 | 0xaa0u)
#define XOSC_STATUS_STABLE    (1u << 31)
#define XOSC_HZ               12000000u
#define XOSC_STARTUP_1_MS     ((XOSC_HZ / 1000u + 255u) / 256u) // 2.16.3

// 2.18.4 PLL_SYS
#define PLL_CS            REGISTER(0x40028000u)
#define PLL_PWR           0x40028004u
#define PLL_FBDIV         REGISTER(0x40028008u)
#define PLL_PRIM          REGISTER(0x4002800cu)
#define PLL_CS_LOCK       (1u << 31)
#define PLL_PWR_PD        (1u << 0)
#define PLL_PWR_POSTDIVPD (1u << 3)
#define PLL_PWR_VCOPD     (1u << 5)
#define PLL_MULTIPLIER    125u // a VCO of 1500 MHz
#define PLL_DIVIDERS      (6u << 16 | 2u << 12)

// 2.15.7 CLOCKS
#define CLK_REF_CTRL     REGISTER(0x40008030u)
#define CLK_REF_SELECTED REGISTER(0x40008038u)
#define CLK_SYS_CTRL     REGISTER(0x4000803cu)
#define CLK_SYS_SELECTED REGISTER(0x40008044u)
#define CLK_PERI_CTRL    REGISTER(0x40008048u)
#define SLEEP_EN0        REGISTER(0x400080a8u)
#define SLEEP_EN1        REGISTER(0x400080acu)
#define CLK_REF_XOSC     2u
#define CLK_SYS_REF      0u
#define CLK_SYS_PLL      1u
#define CLK_PERI_XOSC    (1u << 11 | 4u << 5)
#define SELECTED(source) (1u << (source))
// The UART's two clocks, those of the timer and of what makes its ticks
#define SLEEP_EN1_IN_USE (1u << 6 | 1u << 7 | 1u << 5 | 1u << 12)

// 2.12.8 CHIP_RESET: what reset all of the chip
#define CHIP_RESET         REGISTER(0x40064008u)
#define CHIP_RESET_HAD_RUN (1u << 16)

// 4.7.6 WATCHDOG, whose ticks the timer counts, and whose scratch registers a reset of the core
// leaves alone (the boot ROM uses the upper four)
#define WATCHDOG_SCRATCH0    REGISTER(0x4005800cu)
#define STARTED_BEFORE       0x746b7231u
#define WATCHDOG_TICK        REGISTER(0x4005802cu)
#define WATCHDOG_TICK_ENABLE (1u << 9)

// 2.19.6 IO and pads
#define IO_CTRL(pin)      REGISTER(0x40014004u + 8u * (pin))
#define PAD(pin)          REGISTER(0x4001c004u + 4u * (pin))
#define IO_FUNCTION_UART  2u
#define PAD_OUTPUT        0x10u // 4 mA, no input
#define PAD_INPUT_PULL_UP 0x4au // with hysteresis; pulled, so that an open line is idle

// 4.2.8 UART0, a PL011
#define UART_DR       REGISTER(0x40034000u)
#define UART_FR       REGISTER(0x40034018u)
#define UART_IBRD     REGISTER(0x40034024u)
#define UART_FBRD     REGISTER(0x40034028u)
#define UART_LCR_H    REGISTER(0x4003402cu)
#define UART_CR       REGISTER(0x40034030u)
#define UART_IFLS     REGISTER(0x40034034u)
#define UART_IMSC     REGISTER(0x40034038u)
#define UART_ICR      REGISTER(0x40034044u)
#define UART_FR_BUSY  (1u << 3)
#define UART_FR_RXFE  (1u << 4)
#define UART_FR_TXFF  (1u << 5)
#define UART_8N1_FIFO (3u << 5 | 1u << 4)
#define UART_CR_RUN   (1u << 0 | 1u << 8 | 1u << 9)
#define UART_INT_RX   (1u << 4)
#define UART_INT_TX   (1u << 5)
#define UART_INT_RT   (1u << 6) // something lies in the FIFO, and no more came for 32 bits
#define UART0_IRQ     20u
// 4.2.7.1: in 64ths, rounded
#define UART_DIVIDER_64 ((4u * XOSC_HZ + TK_UART_BAUD / 2u) / TK_UART_BAUD)

#define SCB_SCR       REGISTER(0xe000ed10u)
#define SCR_SLEEPDEEP (1u << 2)

#if TK_CLOCK_HZ != 125000000
#error "this chip is run at 125 MHz"
#endif

static void start_peripherals(void)
{
    SET_BITS(RESETS_RESET) = RESET_UART0 | RESET_TIMER;
    CLEAR_BITS(RESETS_RESET) = RESET_IN_USE;
    while ((RESETS_DONE & RESET_IN_USE) != RESET_IN_USE) {
    }
}

static void start_crystal(void)
{
    XOSC_STARTUP = XOSC_STARTUP_1_MS;
    XOSC_CTRL = XOSC_CTRL_ON_1_15_MHZ;
    while ((XOSC_STATUS & XOSC_STATUS_STABLE) == 0) {
    }
    CLK_SYS_CTRL = CLK_SYS_REF; // away from whatever it ran on
    while (CLK_SYS_SELECTED != SELECTED(CLK_SYS_REF)) {
    }
    CLK_REF_CTRL = CLK_REF_XOSC;
    while (CLK_REF_SELECTED != SELECTED(CLK_REF_XOSC)) {
    }
}

void tk_pll_start(void)
{
    SET_BITS(PLL_PWR) = PLL_PWR_PD | PLL_PWR_POSTDIVPD | PLL_PWR_VCOPD;
    PLL_CS = 1; // divide the crystal by one
    PLL_FBDIV = PLL_MULTIPLIER;
    CLEAR_BITS(PLL_PWR) = PLL_PWR_PD | PLL_PWR_VCOPD;
    while ((PLL_CS & PLL_CS_LOCK) == 0) {
    }
    PLL_PRIM = PLL_DIVIDERS;
    CLEAR_BITS(PLL_PWR) = PLL_PWR_POSTDIVPD;
    CLK_SYS_CTRL = CLK_SYS_PLL;
    while (CLK_SYS_SELECTED != SELECTED(CLK_SYS_PLL)) {
    }
}

void tk_pll_stop(void)
{
    CLK_SYS_CTRL = CLK_SYS_REF;
    while (CLK_SYS_SELECTED != SELECTED(CLK_SYS_REF)) {
    }
    SET_BITS(PLL_PWR) = PLL_PWR_PD | PLL_PWR_POSTDIVPD | PLL_PWR_VCOPD;
}

static void start_timer(void) { WATCHDOG_TICK = WATCHDOG_TICK_ENABLE | XOSC_HZ / 1000000u; }

void tk_wire_start(void)
{
    CLK_PERI_CTRL = CLK_PERI_XOSC;
    PAD(TK_UART_TX_PIN) = PAD_OUTPUT;
    PAD(TK_UART_RX_PIN) = PAD_INPUT_PULL_UP;
    IO_CTRL(TK_UART_TX_PIN) = IO_FUNCTION_UART;
    IO_CTRL(TK_UART_RX_PIN) = IO_FUNCTION_UART;
    UART_IBRD = UART_DIVIDER_64 / 64u;
    UART_FBRD = UART_DIVIDER_64 % 64u;
    UART_LCR_H = UART_8N1_FIFO; // after the divider, which it makes valid: 4.2.7.1
    UART_IFLS = 0;              // both interrupts at an eighth
    UART_IMSC = UART_INT_RX | UART_INT_RT;
    UART_CR = UART_CR_RUN;
    NVIC_ISER = 1u << UART0_IRQ;
}

// A byte left over would end every sleep.
void tk_wire_stop(void)
{
    UART_IMSC = 0;
    UART_CR = 0;
    NVIC_ICPR = 1u << UART0_IRQ;
}

// 2.11.2: core 1, which never runs, sleeps deeply since boot; what is not in use has no clock then.
static void prepare_sleep(void)
{
    SLEEP_EN0 = 0;
    SLEEP_EN1 = SLEEP_EN1_IN_USE;
    SCB_SCR = SCR_SLEEPDEEP;
}

static uint32_t reset_reasons;

// 2.4.5: tk_chip_restart resets the cores alone, after which CHIP_RESET says what it said before.
static uint32_t take_reasons(void)
{
    if (WATCHDOG_SCRATCH0 == STARTED_BEFORE) {
        return TK_RESET_SELF;
    }
    WATCHDOG_SCRATCH0 = STARTED_BEFORE;
    return (CHIP_RESET & CHIP_RESET_HAD_RUN) ? TK_RESET_PIN : 0;
}

void tk_chip_start(void)
{
    reset_reasons = take_reasons();
    start_peripherals();
    start_crystal();
    tk_pll_start();
    start_timer();
    tk_wire_start();
    prepare_sleep();
}

// A pending interrupt ends WFI although PRIMASK keeps it from being taken (DDI 0419, B1.5.18).
static void wait_asleep(uint32_t flag)
{
    while ((UART_FR & flag) != 0) {
        __asm__ volatile("dsb\n"
                         "wfi" ::
                             : "memory");
        NVIC_ICPR = 1u << UART0_IRQ;
    }
}

uint8_t tk_chip_receive(void)
{
    wait_asleep(UART_FR_RXFE);
    return (uint8_t)UART_DR;
}

static void await_idle(void)
{
    while ((UART_FR & UART_FR_BUSY) != 0) {
    }
}

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    UART_IMSC = UART_INT_RX | UART_INT_RT | UART_INT_TX;
    for (size_t i = 0; i < bytes; i++) {
        wait_asleep(UART_FR_TXFF);
        UART_DR = data[i];
    }
    UART_IMSC = UART_INT_RX | UART_INT_RT;
    await_idle(); // awake, and no more than the 33 bytes that the FIFO holds: nothing tells its end
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((UART_FR & UART_FR_TXFF) != 0) {
        }
        UART_DR = data[i];
    }
    await_idle();
}

static uint32_t restarted_us;

void tk_time_restart(void) { restarted_us = TIMER_TIMERAWL; }

uint32_t tk_chip_time_us(void) { return TIMER_TIMERAWL - restarted_us; }

// Its watchdog lasts 8.3 s at most (erratum E1), and inferences may take longer.
void tk_chip_feed(void) {}

uint32_t tk_chip_reset_reasons(void) { return reset_reasons; }
