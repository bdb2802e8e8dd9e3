// The link over a serial port of the nRF52840 (section numbers: its product specification, v1.7).
//
// Interrupts stay masked: they only end the sleep.
//
// SPDX-License-Identifier: Apache-2.0
#include "board.h"
#include "chip.h"
#include "nrf52840.h"

// 6.9.2 GPIO
#define GPIO_PORT(pin)     (0x50000000u + 0x300u * ((pin) / 32u))
#define GPIO_OUTSET(pin)   REGISTER(GPIO_PORT(pin) + 0x508u)
#define GPIO_PIN_CNF(pin)  REGISTER(GPIO_PORT(pin) + 0x700u + 4u * ((pin) % 32u))
#define PIN_CNF_OUTPUT     0x3u // input buffer disconnected
#define PIN_CNF_INPUT_PULL 0xcu // pulled up, so that an open line is idle
#define PIN_MASK(pin)      (1u << ((pin) % 32u))

// 6.34.9 UARTE
typedef struct {
    volatile uint32_t TASKS_STARTRX, TASKS_STOPRX, TASKS_STARTTX, TASKS_STOPTX;
    uint32_t reserved0[64];
    volatile uint32_t EVENTS_ENDRX;
    uint32_t reserved1[3];
    volatile uint32_t EVENTS_ENDTX;
    uint32_t reserved2[8];
    volatile uint32_t EVENTS_RXTO;
    uint32_t reserved10[46];
    volatile uint32_t SHORTS;
    uint32_t reserved3[63];
    volatile uint32_t INTEN, INTENSET, INTENCLR;
    uint32_t reserved4[125];
    volatile uint32_t ENABLE;
    uint32_t reserved5;
    volatile uint32_t PSEL_RTS, PSEL_TXD, PSEL_CTS, PSEL_RXD;
    uint32_t reserved6[3];
    volatile uint32_t BAUDRATE;
    uint32_t reserved7[3];
    volatile uint32_t RXD_PTR, RXD_MAXCNT, RXD_AMOUNT;
    uint32_t reserved8;
    volatile uint32_t TXD_PTR, TXD_MAXCNT, TXD_AMOUNT;
    uint32_t reserved9[7];
    volatile uint32_t CONFIG;
} uarte;

_Static_assert(offsetof(uarte, EVENTS_ENDRX) == 0x110, "6.34.9");
_Static_assert(offsetof(uarte, EVENTS_ENDTX) == 0x120, "6.34.9");
_Static_assert(offsetof(uarte, EVENTS_RXTO) == 0x144, "6.34.9");
_Static_assert(offsetof(uarte, SHORTS) == 0x200, "6.34.9");
_Static_assert(offsetof(uarte, INTENSET) == 0x304, "6.34.9");
_Static_assert(offsetof(uarte, ENABLE) == 0x500, "6.34.9");
_Static_assert(offsetof(uarte, BAUDRATE) == 0x524, "6.34.9");
_Static_assert(offsetof(uarte, RXD_PTR) == 0x534, "6.34.9");
_Static_assert(offsetof(uarte, TXD_PTR) == 0x544, "6.34.9");
_Static_assert(offsetof(uarte, CONFIG) == 0x56c, "6.34.9");

#define UARTE0                  ((uarte *)0x40002000u)
#define UARTE0_IRQ              2u // 4.2.3: the number of the peripheral
#define UARTE_ENABLE            8u
#define UARTE_INT_ENDRX         (1u << 4)
#define UARTE_INT_ENDTX         (1u << 8)
#define UARTE_PSEL_DISCONNECTED UINT32_MAX

#if TK_UART_BAUD == 115200
#define UARTE_BAUDRATE 0x01d60000u
#elif TK_UART_BAUD == 230400
#define UARTE_BAUDRATE 0x03b00000u
#elif TK_UART_BAUD == 460800
#define UARTE_BAUDRATE 0x07400000u
#elif TK_UART_BAUD == 921600
#define UARTE_BAUDRATE 0x0f000000u
#elif TK_UART_BAUD == 1000000
#define UARTE_BAUDRATE 0x10000000u
#else
#error "this chip has no such baud rate"
#endif

// EasyDMA writes it: one byte at a time, so that a frame may end anywhere.
static volatile uint8_t received;

// 6.34.2: the pins are also set in GPIO, which rules them while the UARTE is off.
static void start_pins(void)
{
    GPIO_OUTSET(TK_UART_TX_PIN) = PIN_MASK(TK_UART_TX_PIN);
    GPIO_PIN_CNF(TK_UART_TX_PIN) = PIN_CNF_OUTPUT;
    GPIO_PIN_CNF(TK_UART_RX_PIN) = PIN_CNF_INPUT_PULL;
    UARTE0->PSEL_RTS = UARTE_PSEL_DISCONNECTED;
    UARTE0->PSEL_CTS = UARTE_PSEL_DISCONNECTED;
    UARTE0->PSEL_TXD = TK_UART_TX_PIN;
    UARTE0->PSEL_RXD = TK_UART_RX_PIN;
}

void tk_wire_start(void)
{
    start_pins();
    UARTE0->BAUDRATE = UARTE_BAUDRATE;
    UARTE0->CONFIG = 0; // 8N1 without flow control
    UARTE0->SHORTS = 0; // tk_chip_receive starts each byte: Renode has no shortcuts
    UARTE0->EVENTS_ENDRX = 0;
    UARTE0->EVENTS_ENDTX = 0;
    UARTE0->RXD_PTR = (uint32_t)&received;
    UARTE0->RXD_MAXCNT = 1;
    UARTE0->ENABLE = UARTE_ENABLE;
    UARTE0->TASKS_STARTRX = 1;
    NVIC_ISER(UARTE0_IRQ) = NVIC_BIT(UARTE0_IRQ);
}

// 6.34.5: after RXTO, or the receiver goes on drawing current
void tk_wire_stop(void)
{
    UARTE0->EVENTS_RXTO = 0;
    UARTE0->TASKS_STOPRX = 1;
    while (UARTE0->EVENTS_RXTO == 0) {
    }
    UARTE0->ENABLE = 0;
}

// The event goes before the pending bit, or it would set that again; 6.1.8.1 wants it read back.
static void clear_event(volatile uint32_t *event)
{
    *event = 0;
    (void)*event;
    NVIC_ICPR(UARTE0_IRQ) = NVIC_BIT(UARTE0_IRQ);
}

// A byte that comes while an answer is sent must not keep the core awake: no other event wakes it.
static void wait_asleep(volatile uint32_t *event, uint32_t interrupt)
{
    UARTE0->INTEN = interrupt;
    while (*event == 0) {
        tk_sleep();
        NVIC_ICPR(UARTE0_IRQ) = NVIC_BIT(UARTE0_IRQ);
    }
    clear_event(event);
}

// The byte is taken before the next may be written there; till then 6.34.5's FIFO of six has it.
uint8_t tk_chip_receive(void)
{
    wait_asleep(&UARTE0->EVENTS_ENDRX, UARTE_INT_ENDRX);
    const uint8_t byte = received;
    UARTE0->TASKS_STARTRX = 1;
    return byte;
}

static void start_sending(const uint8_t *data, size_t bytes)
{
    UARTE0->TXD_PTR = (uint32_t)data;
    UARTE0->TXD_MAXCNT = (uint32_t)bytes;
    __asm__ volatile("dsb" ::: "memory"); // EasyDMA reads what C has written
    UARTE0->TASKS_STARTTX = 1;
}

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    start_sending(data, bytes);
    wait_asleep(&UARTE0->EVENTS_ENDTX, UARTE_INT_ENDTX);
    UARTE0->TASKS_STOPTX = 1; // 6.34.4: or the transmitter goes on drawing current
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    UARTE0->EVENTS_ENDTX = 0;
    start_sending(data, bytes);
    while (UARTE0->EVENTS_ENDTX == 0) {
    }
}
