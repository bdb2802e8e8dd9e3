// Clocks, link and timer of the nRF51822 (section numbers: nRF51 Reference Manual v3.0.1).
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf51822.h"
#include "board.h"
#include "chip.h"
#include "nordic_watch.h"

// 13.2 CLOCK
#define CLOCK_TASKS_HFCLKSTART REGISTER(0x40000000u)
#define CLOCK_TASKS_HFCLKSTOP  REGISTER(0x40000004u)
#define CLOCK_EVENTS_STARTED   REGISTER(0x40000100u)
#define CLOCK_HFCLKSTAT        REGISTER(0x4000040cu)
#define HFCLKSTAT_CRYSTAL_RUNS 0x10001u

// 14.2 GPIO
#define GPIO_OUTSET        REGISTER(0x50000508u)
#define GPIO_PIN_CNF(pin)  REGISTER(0x50000700u + 4u * (pin))
#define PIN_CNF_OUTPUT     0x3u // input buffer disconnected
#define PIN_CNF_INPUT_PULL 0xcu // pulled up, so that an open line is idle

// 19.2 TIMER0, the one that has 32 bits
#define TIMER_TASKS_START    REGISTER(0x40008000u)
#define TIMER_TASKS_STOP     REGISTER(0x40008004u)
#define TIMER_TASKS_CLEAR    REGISTER(0x4000800cu)
#define TIMER_TASKS_CAPTURE0 REGISTER(0x40008040u)
#define TIMER_MODE           REGISTER(0x40008504u)
#define TIMER_BITMODE        REGISTER(0x40008508u)
#define TIMER_PRESCALER      REGISTER(0x40008510u)
#define TIMER_CC0            REGISTER(0x40008540u)
#define TIMER_BITMODE_32     3u
#define TIMER_PRESCALER_1MHZ 4u // 16 MHz / 2^4

// 29.10 UART
#define UART_TASKS_STARTRX     REGISTER(0x40002000u)
#define UART_TASKS_STOPRX      REGISTER(0x40002004u)
#define UART_TASKS_STARTTX     REGISTER(0x40002008u)
#define UART_TASKS_STOPTX      REGISTER(0x4000200cu)
#define UART_EVENTS_RXDRDY     REGISTER(0x40002108u)
#define UART_EVENTS_TXDRDY     REGISTER(0x4000211cu)
#define UART_INTENSET          REGISTER(0x40002304u)
#define UART_INTENCLR          REGISTER(0x40002308u)
#define UART_ENABLE            REGISTER(0x40002500u)
#define UART_PSELRTS           REGISTER(0x40002508u)
#define UART_PSELTXD           REGISTER(0x4000250cu)
#define UART_PSELCTS           REGISTER(0x40002510u)
#define UART_PSELRXD           REGISTER(0x40002514u)
#define UART_RXD               REGISTER(0x40002518u)
#define UART_TXD               REGISTER(0x4000251cu)
#define UART_BAUDRATE          REGISTER(0x40002524u)
#define UART_CONFIG            REGISTER(0x4000256cu)
#define UART_ENABLED           4u
#define UART_INT_RXDRDY        (1u << 2)
#define UART_PSEL_DISCONNECTED UINT32_MAX
#define UART_IRQ               2u

#if TK_UART_BAUD == 115200
#define UART_BAUDRATE_VALUE 0x01d7e000u // 29.10.9
#else
#error "this chip has no such baud rate"
#endif

#define SYST_CSR                 REGISTER(0xe000e010u)
#define SYST_RVR                 REGISTER(0xe000e014u)
#define SYST_CVR                 REGISTER(0xe000e018u)
#define SYST_CSR_ENABLE_FROM_CPU 5u

// The state tells of a crystal that runs already, the event of the one in QEMU, which has no state.
void tk_crystal_start(void)
{
    CLOCK_EVENTS_STARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    while ((CLOCK_EVENTS_STARTED == 0) &&
           ((CLOCK_HFCLKSTAT & HFCLKSTAT_CRYSTAL_RUNS) != HFCLKSTAT_CRYSTAL_RUNS)) {
    }
}

void tk_crystal_stop(void) { CLOCK_TASKS_HFCLKSTOP = 1; }

static void start_timer(void)
{
    TIMER_TASKS_STOP = 1;
    TIMER_MODE = 0;
    TIMER_BITMODE = TIMER_BITMODE_32;
    TIMER_PRESCALER = TIMER_PRESCALER_1MHZ;
    TIMER_TASKS_CLEAR = 1;
    TIMER_TASKS_START = 1;
    // The chip has no SysTick and ignores this; QEMU's has one, which its debugger can read.
    SYST_RVR = 0xffffffu;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE_FROM_CPU;
}

void tk_wire_start(void)
{
    GPIO_OUTSET = 1u << TK_UART_TX_PIN;
    GPIO_PIN_CNF(TK_UART_TX_PIN) = PIN_CNF_OUTPUT;
    GPIO_PIN_CNF(TK_UART_RX_PIN) = PIN_CNF_INPUT_PULL;
    UART_ENABLE = 0;
    UART_PSELRTS = UART_PSEL_DISCONNECTED;
    UART_PSELCTS = UART_PSEL_DISCONNECTED;
    UART_PSELTXD = TK_UART_TX_PIN;
    UART_PSELRXD = TK_UART_RX_PIN;
    UART_BAUDRATE = UART_BAUDRATE_VALUE;
    UART_CONFIG = 0; // 8N1 without flow control
    UART_ENABLE = UART_ENABLED;
    UART_EVENTS_RXDRDY = 0;
    UART_EVENTS_TXDRDY = 0;
    UART_INTENCLR = UINT32_MAX;
    UART_INTENSET = UART_INT_RXDRDY;
    UART_TASKS_STARTRX = 1;
    NVIC_ISER(UART_IRQ) = NVIC_BIT(UART_IRQ);
}

// What has come or comes meanwhile is lost: a byte left over would end every sleep.
void tk_wire_stop(void)
{
    UART_INTENCLR = UART_INT_RXDRDY;
    UART_TASKS_STOPRX = 1;
    UART_ENABLE = 0;
    NVIC_ICPR(UART_IRQ) = NVIC_BIT(UART_IRQ);
}

void tk_chip_start(void)
{
    start_watchdog();
    tk_crystal_start();
    start_timer();
    tk_wire_start();
}

uint8_t tk_chip_receive(void)
{
    while (UART_EVENTS_RXDRDY == 0) {
        tk_sleep();
    }
    UART_EVENTS_RXDRDY = 0; // before RXD is read, which moves the next byte up: 29.4
    NVIC_ICPR(UART_IRQ) = NVIC_BIT(UART_IRQ);
    return (uint8_t)UART_RXD;
}

// Awake: the chip takes a byte at a time, and each would end the sleep.
void tk_chip_send(const uint8_t *data, size_t bytes) { tk_chip_send_polled(data, bytes); }

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    UART_TASKS_STARTTX = 1;
    for (size_t i = 0; i < bytes; i++) {
        UART_EVENTS_TXDRDY = 0;
        UART_TXD = data[i];
        while (UART_EVENTS_TXDRDY == 0) {
        }
    }
    UART_TASKS_STOPTX = 1;
}

uint32_t tk_chip_time_us(void)
{
    TIMER_TASKS_CAPTURE0 = 1;
    return TIMER_CC0;
}
