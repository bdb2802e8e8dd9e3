// Clocks and timer of the nRF52840 (section numbers: its product specification, v1.7).
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf52840.h"
#include "board.h"
#include "chip.h"
#include "nordic_watch.h"

// 5.3.7 POWER, 5.4.3 CLOCK: one peripheral
#define POWER_DCDCEN           REGISTER(0x40000578u)
#define CLOCK_TASKS_HFCLKSTART REGISTER(0x40000000u)
#define CLOCK_TASKS_HFCLKSTOP  REGISTER(0x40000004u)
#define CLOCK_HFCLKSTAT        REGISTER(0x4000040cu)
#define HFCLKSTAT_CRYSTAL_RUNS 0x10001u

// 4.3 NVMC
#define NVMC_ICACHECNF REGISTER(0x4001e540u)
#define ICACHECNF_ON   1u

// 6.30.5 TIMER
typedef struct {
    volatile uint32_t TASKS_START, TASKS_STOP, TASKS_COUNT, TASKS_CLEAR;
    uint32_t reserved0[12];
    volatile uint32_t TASKS_CAPTURE[6];
    uint32_t reserved1[299];
    volatile uint32_t MODE, BITMODE;
    uint32_t reserved2;
    volatile uint32_t PRESCALER;
    uint32_t reserved3[11];
    volatile uint32_t CC[6];
} timer;

_Static_assert(offsetof(timer, MODE) == 0x504, "6.30.5");
_Static_assert(offsetof(timer, CC) == 0x540, "6.30.5");

#define TIMER0                ((timer *)0x40008000u)
#define TIMER_BITMODE_32      3u
#define TIMER_PRESCALER_1_MHZ 4u // 16 MHz / 2^4

typedef struct {
    uint32_t address;
    uint32_t value;
} setting;

// What a bootloader may have left running: serial ports, USB, timers.
static const setting quiet[] = {
    {0x40002500u, 0},          // UARTE0 ENABLE, also UART0
    {0x40028500u, 0},          // UARTE1 ENABLE
    {0x40027504u, 0},          // USBD USBPULLUP
    {0x40027500u, 0},          // USBD ENABLE
    {0x40000308u, UINT32_MAX}, // POWER and CLOCK INTENCLR
    {0x40002308u, UINT32_MAX}, // UARTE0 INTENCLR
    {0x40006308u, UINT32_MAX}, // GPIOTE INTENCLR
    {0x40027308u, UINT32_MAX}, // USBD INTENCLR
    {0x40008004u, 1},          // TIMER0 STOP
    {0x40009004u, 1},          // TIMER1 STOP
    {0x4000a004u, 1},          // TIMER2 STOP
    {0x4001a004u, 1},          // TIMER3 STOP
    {0x4001b004u, 1},          // TIMER4 STOP
    {0x4000b004u, 1},          // RTC0 STOP
    {0x40011004u, 1},          // RTC1 STOP
    {0x40024004u, 1},          // RTC2 STOP
};

// The state is awaited, not the event: a bootloader may have started the crystal already.
void tk_crystal_start(void)
{
    CLOCK_TASKS_HFCLKSTART = 1;
    while ((CLOCK_HFCLKSTAT & HFCLKSTAT_CRYSTAL_RUNS) != HFCLKSTAT_CRYSTAL_RUNS) {
    }
}

void tk_crystal_stop(void) { CLOCK_TASKS_HFCLKSTOP = 1; }

static void start_timer(void)
{
    TIMER0->MODE = 0;
    TIMER0->BITMODE = TIMER_BITMODE_32;
    TIMER0->PRESCALER = TIMER_PRESCALER_1_MHZ;
    TIMER0->TASKS_CLEAR = 1;
    TIMER0->TASKS_START = 1;
}

void tk_chip_start(void)
{
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        REGISTER(quiet[i].address) = quiet[i].value;
    }
    start_watchdog();
    NVMC_ICACHECNF = ICACHECNF_ON;
    POWER_DCDCEN = TK_DCDC;
    tk_crystal_start();
    start_timer();
    tk_wire_start();
}

uint32_t tk_chip_time_us(void)
{
    TIMER0->TASKS_CAPTURE[0] = 1;
    return TIMER0->CC[0];
}
