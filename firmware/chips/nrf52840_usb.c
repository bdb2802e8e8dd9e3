// The link over the USB device of the nRF52840 (sections: its product specification, v1.7).
//
// Requests of the host are answered in the interrupt, also while the model computes. EasyDMA is
// awaited: a packet takes a few microseconds.
//
// SPDX-License-Identifier: Apache-2.0
#include "../usb/usb.h"
#include "board.h"
#include "chip.h"
#include "nrf52840.h"

// 6.35.13
typedef struct {
    volatile uint32_t PTR, MAXCNT, AMOUNT;
    uint32_t reserved[2];
} endpoint_dma;

typedef struct {
    uint32_t reserved0;
    volatile uint32_t TASKS_STARTEPIN[8];
    uint32_t reserved1;
    volatile uint32_t TASKS_STARTEPOUT[8];
    uint32_t reserved2;
    volatile uint32_t TASKS_EP0RCVOUT, TASKS_EP0STATUS, TASKS_EP0STALL;
    uint32_t reserved3[42];
    volatile uint32_t EVENTS_USBRESET;
    uint32_t reserved4;
    volatile uint32_t EVENTS_ENDEPIN[8];
    volatile uint32_t EVENTS_EP0DATADONE;
    uint32_t reserved5;
    volatile uint32_t EVENTS_ENDEPOUT[8];
    uint32_t reserved6[2];
    volatile uint32_t EVENTS_USBEVENT, EVENTS_EP0SETUP, EVENTS_EPDATA;
    uint32_t reserved7[104];
    volatile uint32_t INTENSET, INTENCLR;
    uint32_t reserved8[61];
    volatile uint32_t EVENTCAUSE;
    uint32_t reserved9[26];
    volatile uint32_t EPDATASTATUS;
    uint32_t reserved10[4];
    volatile uint32_t BMREQUESTTYPE, BREQUEST, WVALUEL, WVALUEH, WINDEXL, WINDEXH, WLENGTHL,
        WLENGTHH;
    volatile uint32_t SIZE_EPOUT[8];
    uint32_t reserved11[16];
    volatile uint32_t ENABLE, USBPULLUP;
    uint32_t reserved12;
    volatile uint32_t DTOGGLE, EPINEN, EPOUTEN, EPSTALL;
    uint32_t reserved13[4];
    volatile uint32_t LOWPOWER;
    uint32_t reserved14[52];
    endpoint_dma EPIN[8];
    uint32_t reserved15[24];
    endpoint_dma EPOUT[8];
} usbd;

_Static_assert(offsetof(usbd, TASKS_STARTEPOUT) == 0x028, "6.35.13");
_Static_assert(offsetof(usbd, TASKS_EP0RCVOUT) == 0x04c, "6.35.13");
_Static_assert(offsetof(usbd, EVENTS_USBRESET) == 0x100, "6.35.13");
_Static_assert(offsetof(usbd, EVENTS_EP0DATADONE) == 0x128, "6.35.13");
_Static_assert(offsetof(usbd, EVENTS_ENDEPOUT) == 0x130, "6.35.13");
_Static_assert(offsetof(usbd, EVENTS_USBEVENT) == 0x158, "6.35.13");
_Static_assert(offsetof(usbd, INTENSET) == 0x304, "6.35.13");
_Static_assert(offsetof(usbd, EVENTCAUSE) == 0x400, "6.35.13");
_Static_assert(offsetof(usbd, EPDATASTATUS) == 0x46c, "6.35.13");
_Static_assert(offsetof(usbd, BMREQUESTTYPE) == 0x480, "6.35.13");
_Static_assert(offsetof(usbd, SIZE_EPOUT) == 0x4a0, "6.35.13");
_Static_assert(offsetof(usbd, ENABLE) == 0x500, "6.35.13");
_Static_assert(offsetof(usbd, EPSTALL) == 0x518, "6.35.13");
_Static_assert(offsetof(usbd, LOWPOWER) == 0x52c, "6.35.13");
_Static_assert(offsetof(usbd, EPIN) == 0x600, "6.35.13");
_Static_assert(offsetof(usbd, EPOUT) == 0x700, "6.35.13");

#define USBD     ((usbd *)0x40027000u)
#define USBD_IRQ 39u // 4.2.3

#define INT_USBRESET       (1u << 0)
#define INT_EP0DATADONE    (1u << 10)
#define INT_USBEVENT       (1u << 22)
#define INT_EP0SETUP       (1u << 23)
#define INT_EPDATA         (1u << 24)
#define CAUSE_SUSPEND      (1u << 8)
#define CAUSE_RESUME       (1u << 9)
#define CAUSE_WAKE_ALLOWED (1u << 10)
#define CAUSE_READY        (1u << 11)
#define DTOGGLE_DATA0      (1u << 8)
#define EPSTALL_STALL      (1u << 8)
#define EPDATA_IN(n)       (1u << (n))
#define EPDATA_OUT(n)      (1u << (16u + (n)))

// 5.3.7: the supply of the USB pins
#define POWER_IRQ               0u
#define POWER_EVENT_USBDETECTED REGISTER(0x4000011cu)
#define POWER_EVENT_USBREMOVED  REGISTER(0x40000120u)
#define POWER_INTENSET          REGISTER(0x40000304u)
#define POWER_GPREGRET          REGISTER(0x4000051cu)
#define POWER_USBREGSTATUS      REGISTER(0x40000438u)
#define POWER_INT_USBDETECTED   (1u << 7)
#define POWER_INT_USBREMOVED    (1u << 8)
#define USBREGSTATUS_VBUSDETECT (1u << 0)
#define USBREGSTATUS_OUTPUTRDY  (1u << 1)

#define FICR_DEVICEID ((const volatile uint32_t *)0x10000060u) // 4.4.1

#define SCB_AIRCR           REGISTER(0xe000ed0cu)
#define AIRCR_SYSRESETREQ   0x05fa0004u
#define TOUCH_US            20000u // what the host needs to see its request answered
#define POLLED_SEND_US      1000000u
#define REQUEST_SET_ADDRESS 5u // 6.35.9: the USBD answers it

#define NOTICE 1u
#define BULK   2u // the number of both bulk endpoints

// Errata 171 and 187: undocumented registers, to be set while the USBD wakes up. Written as the
// errata sheet has it: behind a key, unless a bootloader has left them unlocked.
#define ERRATA_KEY        REGISTER(0x4006ec00u)
#define ERRATA_KEY_VALUE  0x9375u
#define ERRATUM_171       REGISTER(0x4006ec14u)
#define ERRATUM_171_WAKES 0xc0u
#define ERRATUM_187       REGISTER(0x4006ed14u)
#define ERRATUM_187_WAKES 3u

// Erratum 199: a task is lost while EasyDMA runs, unless this says so.
#define ERRATUM_199      REGISTER(0x40027c1cu)
#define ERRATUM_199_BUSY 0x82u

typedef struct {
    bool attached;
    bool suspended;
    bool sending;      // the host has not fetched the last packet yet
    bool packet_waits; // one from the host lies in the USBD
    uint8_t taken;     // of `received`
    uint8_t received_bytes;
    bool taking;         // the data of a request is to come
    bool ends_empty;     // the answer's last packet is full, and the host asked for more
    uint16_t left_bytes; // of `answer`
    const uint8_t *answer;
} wire;

static wire now;
static uint8_t received[TK_USB_PACKET_BYTES];
static uint8_t control[TK_USB_PACKET_BYTES]; // of endpoint 0: EasyDMA reaches RAM alone

typedef void (*vector)(void);

// Behind the core's own vectors, by the number of the interrupt; no other one is ever enabled.
__attribute__((section(".interrupts"), used)) static const vector interrupts[USBD_IRQ + 1] = {
    [POWER_IRQ] = tk_chip_interrupt,
    [USBD_IRQ] = tk_chip_interrupt,
};

static void mask(void) { __asm__ volatile("cpsid i" ::: "memory"); }

static void unmask(void) { __asm__ volatile("cpsie i" ::: "memory"); }

static void set_hidden(volatile uint32_t *where, uint32_t value)
{
    const bool locked = ERRATA_KEY == 0;
    if (locked) {
        ERRATA_KEY = ERRATA_KEY_VALUE;
    }
    *where = value;
    if (locked) {
        ERRATA_KEY = ERRATA_KEY_VALUE;
    }
}

static void transfer(volatile uint32_t *task, volatile uint32_t *event)
{
    *event = 0;
    ERRATUM_199 = ERRATUM_199_BUSY;
    __asm__ volatile("dsb" ::: "memory"); // EasyDMA reads what C has written
    *task = 1;
    while (*event == 0) {
    }
    *event = 0;
    ERRATUM_199 = 0;
    __asm__ volatile("" ::: "memory"); // and C reads what EasyDMA has written
}

static void transfer_in(uint32_t endpoint, const uint8_t *data, size_t bytes)
{
    USBD->EPIN[endpoint].PTR = (uint32_t)data;
    USBD->EPIN[endpoint].MAXCNT = (uint32_t)bytes;
    transfer(&USBD->TASKS_STARTEPIN[endpoint], &USBD->EVENTS_ENDEPIN[endpoint]);
}

// Returns how many bytes it took. The USBD can have the next packet then.
static uint8_t transfer_out(uint32_t endpoint, uint8_t *data)
{
    const uint32_t size = USBD->SIZE_EPOUT[endpoint];
    const uint8_t bytes = (uint8_t)(size < TK_USB_PACKET_BYTES ? size : TK_USB_PACKET_BYTES);
    USBD->EPOUT[endpoint].PTR = (uint32_t)data;
    USBD->EPOUT[endpoint].MAXCNT = bytes;
    transfer(&USBD->TASKS_STARTEPOUT[endpoint], &USBD->EVENTS_ENDEPOUT[endpoint]);
    return bytes;
}

uint64_t tk_usb_chip_number(void) { return (uint64_t)FICR_DEVICEID[1] << 32 | FICR_DEVICEID[0]; }

void tk_usb_halt(uint8_t endpoint, bool halted)
{
    USBD->EPSTALL = endpoint | (halted ? EPSTALL_STALL : 0u);
    if (!halted) {
        USBD->DTOGGLE = endpoint; // selects it (6.35.13.40)
        USBD->DTOGGLE = endpoint | DTOGGLE_DATA0;
    }
}

void tk_usb_enable_endpoints(bool on)
{
    USBD->EPINEN = on ? 1u << BULK | 1u << NOTICE | 1u : 1u;
    USBD->EPOUTEN = on ? 1u << BULK | 1u : 1u;
    now.sending = false;
    now.packet_waits = false;
    now.taken = now.received_bytes = 0;
    if (on) {
        tk_usb_halt(TK_USB_NOTICE, false);
        tk_usb_halt(TK_USB_IN, false);
        tk_usb_halt(TK_USB_OUT, false);
        USBD->SIZE_EPOUT[BULK] = 0; // any value: the first packet may come
    }
}

// Nothing else of the USBD may be touched while it is suspended (6.35.8).
static void resume(void)
{
    if (now.suspended) {
        tk_crystal_start();
        set_hidden(&ERRATUM_171, ERRATUM_171_WAKES);
        USBD->LOWPOWER = 0;
        now.suspended = false;
    }
}

// A host that sleeps gives little current: the crystal rests until it is back.
static void suspend(void)
{
    now.suspended = true;
    USBD->LOWPOWER = 1;
    tk_crystal_stop();
}

// Returns whether the bus has become idle.
static bool on_bus_event(void)
{
    const uint32_t cause = USBD->EVENTCAUSE;
    USBD->EVENTCAUSE = cause;
    if (cause & CAUSE_WAKE_ALLOWED) {
        set_hidden(&ERRATUM_171, 0);
    }
    if (cause & CAUSE_RESUME) {
        resume();
    }
    return (cause & (CAUSE_RESUME | CAUSE_SUSPEND)) == CAUSE_SUSPEND;
}

static void send_answer(void)
{
    const uint16_t left = now.left_bytes;
    const uint16_t bytes = left < TK_USB_PACKET_BYTES ? left : (uint16_t)TK_USB_PACKET_BYTES;
    for (size_t i = 0; i < bytes; i++) {
        control[i] = now.answer[i];
    }
    now.answer += bytes;
    now.left_bytes = (uint16_t)(left - bytes);
    transfer_in(0, control, bytes);
}

// A program that wants the bootloader gets it when its own request has been answered.
static _Noreturn void enter_bootloader(void)
{
    const uint32_t start = tk_chip_time_us();
    while (tk_chip_time_us() - start < TOUCH_US) {
    }
    USBD->USBPULLUP = 0;
    POWER_GPREGRET = TK_USB_BOOTLOADER;
    tk_chip_feed(); // a soft reset leaves the watchdog running, and few bootloaders feed it
    SCB_AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

static void finish(tk_usb_stage stage)
{
    if (stage == TK_USB_STALL) {
        USBD->TASKS_EP0STALL = 1;
        return;
    }
    USBD->TASKS_EP0STATUS = 1;
    if (tk_usb_touched()) {
        enter_bootloader();
    }
}

static void on_setup(void)
{
    const tk_usb_setup setup = {
        .type = (uint8_t)USBD->BMREQUESTTYPE,
        .request = (uint8_t)USBD->BREQUEST,
        .value = (uint16_t)(USBD->WVALUEH << 8 | USBD->WVALUEL),
        .index = (uint16_t)(USBD->WINDEXH << 8 | USBD->WINDEXL),
        .length = (uint16_t)(USBD->WLENGTHH << 8 | USBD->WLENGTHL),
    };
    if ((setup.type == 0) && (setup.request == REQUEST_SET_ADDRESS)) {
        return;
    }
    const tk_usb_reply reply = tk_usb_request(&setup);
    now.taking = reply.stage == TK_USB_TAKE;
    if (now.taking) {
        USBD->TASKS_EP0RCVOUT = 1;
    } else if (reply.stage == TK_USB_SEND) {
        now.answer = reply.data;
        now.left_bytes = reply.bytes;
        now.ends_empty = (reply.bytes < setup.length) && (reply.bytes % TK_USB_PACKET_BYTES == 0);
        send_answer();
    } else {
        finish(reply.stage);
    }
}

// A packet of the data stage has gone out or come in.
static void on_control_data(void)
{
    if (now.taking) {
        now.taking = false;
        const uint8_t bytes = transfer_out(0, control);
        finish(tk_usb_data(control, bytes));
    } else if ((now.left_bytes > 0) || now.ends_empty) {
        now.ends_empty = now.ends_empty && (now.left_bytes > 0);
        send_answer();
    } else {
        finish(TK_USB_STATUS);
    }
}

static void on_data(void)
{
    const uint32_t done = USBD->EPDATASTATUS;
    USBD->EPDATASTATUS = done;
    if (done & EPDATA_IN(BULK)) {
        now.sending = false;
    }
    if (done & EPDATA_OUT(BULK)) {
        now.packet_waits = true;
    }
}

// As long as the last packet is not used up, the USBD answers the host's next one with NAK.
static void fetch(void)
{
    if (now.packet_waits && !now.suspended && (now.taken == now.received_bytes)) {
        now.packet_waits = false;
        now.received_bytes = transfer_out(BULK, received);
        now.taken = 0;
    }
}

// Takes an event; 6.1.8.1 wants it read back.
static bool happened(volatile uint32_t *event)
{
    const bool was = *event != 0;
    if (was) {
        *event = 0;
        (void)*event;
    }
    return was;
}

static void serve(void)
{
    if (happened(&USBD->EVENTS_USBRESET)) {
        resume();
        tk_usb_reset();
    }
    const bool idle = happened(&USBD->EVENTS_USBEVENT) && on_bus_event();
    if (now.suspended) {
        return; // what else there is came before, and was served before
    }
    if (happened(&USBD->EVENTS_EPDATA)) {
        on_data();
    }
    if (happened(&USBD->EVENTS_EP0DATADONE)) {
        on_control_data();
    }
    if (happened(&USBD->EVENTS_EP0SETUP)) {
        on_setup();
    }
    fetch();
    if (idle) {
        suspend();
    }
}

static bool has_power(uint32_t states) { return (POWER_USBREGSTATUS & states) == states; }

static void attach(void)
{
    set_hidden(&ERRATUM_187, ERRATUM_187_WAKES);
    set_hidden(&ERRATUM_171, ERRATUM_171_WAKES);
    USBD->ENABLE = 1;
    while (has_power(USBREGSTATUS_VBUSDETECT) && !(USBD->EVENTCAUSE & CAUSE_READY)) {
    }
    USBD->EVENTCAUSE = CAUSE_READY;
    set_hidden(&ERRATUM_171, 0);
    set_hidden(&ERRATUM_187, 0);
    while (has_power(USBREGSTATUS_VBUSDETECT) && !has_power(USBREGSTATUS_OUTPUTRDY)) {
    }
    tk_usb_reset();
    USBD->INTENSET = INT_USBRESET | INT_EP0DATADONE | INT_USBEVENT | INT_EP0SETUP | INT_EPDATA;
    USBD->USBPULLUP = 1;
    now.attached = true;
}

static void detach(void)
{
    resume();
    tk_usb_reset();
    USBD->INTENCLR = UINT32_MAX;
    USBD->USBPULLUP = 0;
    USBD->ENABLE = 0;
    now.attached = false;
}

// The cable may have been plugged again before its removal was seen: the level decides.
static void follow_cable(void)
{
    const bool powered = has_power(USBREGSTATUS_VBUSDETECT);
    if (now.attached && !powered) {
        detach();
    } else if (!now.attached && powered) {
        attach();
    }
}

void tk_chip_interrupt(void)
{
    (void)happened(&POWER_EVENT_USBDETECTED);
    (void)happened(&POWER_EVENT_USBREMOVED);
    follow_cable();
    if (now.attached) {
        serve();
    }
}

void tk_wire_start(void)
{
    POWER_INTENSET = POWER_INT_USBDETECTED | POWER_INT_USBREMOVED;
    NVIC_ISER(POWER_IRQ) = NVIC_BIT(POWER_IRQ);
    NVIC_ISER(USBD_IRQ) = NVIC_BIT(USBD_IRQ);
    follow_cable();
    unmask();
}

// Called with interrupts masked: they are taken when one of them has ended the sleep.
static void wait_asleep(void)
{
    tk_sleep();
    unmask();
    mask();
}

uint8_t tk_chip_receive(void)
{
    mask();
    while (now.taken == now.received_bytes) {
        wait_asleep();
    }
    const uint8_t byte = received[now.taken++];
    fetch();
    unmask();
    return byte;
}

static bool connected(void) { return now.attached && tk_usb_configured(); }

static bool busy(void) { return connected() && (now.sending || now.suspended); }

static void send_packet(const uint8_t *data, size_t bytes)
{
    if (connected()) {
        now.sending = true;
        transfer_in(BULK, data, bytes);
    }
}

static size_t next_packet(size_t bytes)
{
    return bytes < TK_USB_PACKET_BYTES ? bytes : TK_USB_PACKET_BYTES;
}

// Who has closed the port, or pulled the cable, gets no more of it.
void tk_chip_send(const uint8_t *data, size_t bytes)
{
    size_t packet;
    mask();
    const bool open = tk_usb_open();
    do { // a packet of less than 64 bytes, an empty one if need be, ends the transfer
        packet = next_packet(bytes);
        while (busy() && (tk_usb_open() || !open)) {
            wait_asleep();
        }
        if (busy()) {
            break;
        }
        send_packet(data, packet);
        data += packet;
        bytes -= packet;
    } while (packet == TK_USB_PACKET_BYTES);
    unmask();
}

// False if the host takes nothing any more.
static bool wait_awake(uint32_t start_us)
{
    while (busy() && (tk_chip_time_us() - start_us < POLLED_SEND_US)) {
        if (happened(&USBD->EVENTS_EPDATA)) {
            on_data();
        }
    }
    return !busy();
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    size_t packet;
    const uint32_t start_us = tk_chip_time_us();
    do {
        packet = next_packet(bytes);
        if (!wait_awake(start_us)) {
            return;
        }
        send_packet(data, packet);
        data += packet;
        bytes -= packet;
    } while (packet == TK_USB_PACKET_BYTES);
    (void)wait_awake(start_us); // a restart may follow, and takes what is on its way with it
}
