"""Which registers the model of the nRF52840 has: names, offsets, bits that may be set.

Sections are those of the nRF52840 Product Specification v1.7 ("PS").
"""

from tinykit.host.registers import Register, Table, array, table

# PS 6.34.9.24: what each BAUDRATE value means
BAUD_RATES = {
    0x0004F000: 1200,
    0x0009D000: 2400,
    0x0013B000: 4800,
    0x00275000: 9600,
    0x003AF000: 14400,
    0x004EA000: 19200,
    0x0075C000: 28800,
    0x00800000: 31250,
    0x009D0000: 38400,
    0x00E50000: 56000,
    0x00EB0000: 57600,
    0x013A9000: 76800,
    0x01D60000: 115200,
    0x03B00000: 230400,
    0x04000000: 250000,
    0x07400000: 460800,
    0x0F000000: 921600,
    0x10000000: 1000000,
}

# PS 4.2.3: instances, so that an access to one that is not modelled is refused by name
INSTANCES = {
    0x10000000: "FICR",
    0x10001000: "UICR",
    0x40000000: "CLOCK/POWER",
    0x40001000: "RADIO",
    0x40002000: "UARTE0",
    0x40003000: "SPIM0/TWIM0",
    0x40004000: "SPIM1/TWIM1",
    0x40005000: "NFCT",
    0x40006000: "GPIOTE",
    0x40007000: "SAADC",
    0x40008000: "TIMER0",
    0x40009000: "TIMER1",
    0x4000A000: "TIMER2",
    0x4000B000: "RTC0",
    0x4000C000: "TEMP",
    0x4000D000: "RNG",
    0x4000E000: "ECB",
    0x4000F000: "CCM/AAR",
    0x40010000: "WDT",
    0x40011000: "RTC1",
    0x40012000: "QDEC",
    0x40013000: "COMP/LPCOMP",
    0x40014000: "EGU0",
    0x40015000: "EGU1",
    0x40016000: "EGU2",
    0x40017000: "EGU3",
    0x40018000: "EGU4",
    0x40019000: "EGU5",
    0x4001A000: "TIMER3",
    0x4001B000: "TIMER4",
    0x4001C000: "PWM0",
    0x4001D000: "PDM",
    0x4001E000: "NVMC/ACL",
    0x4001F000: "PPI",
    0x40020000: "MWU",
    0x40021000: "PWM1",
    0x40022000: "PWM2",
    0x40023000: "SPIM2",
    0x40024000: "RTC2",
    0x40025000: "I2S",
    0x40026000: "FPU",
    0x40027000: "USBD",
    0x40028000: "UARTE1",
    0x40029000: "QSPI",
    0x4002D000: "PWM3",
    0x4002F000: "SPIM3",
    0x50000000: "GPIO",
    0x5002A000: "CRYPTOCELL",
    0xE0000000: "ITM",
    0xE0001000: "DWT",
    0xE0002000: "FPB",
    0xE000E000: "SCS",
    0xE0040000: "TPIU",
    0xE0041000: "ETM",
}


def _task(name: str) -> Register:
    return Register(f"TASKS_{name}", "w", writable=1)


def _event(name: str) -> Register:
    return Register(f"EVENTS_{name}", writable=0)  # written by firmware only to clear it


# PS 5.3.7 POWER and 5.4.3 CLOCK share one address
CLOCK_POWER_TABLE = table(
    (0x000, _task("HFCLKSTART")),
    (0x004, _task("HFCLKSTOP")),
    (0x008, _task("LFCLKSTART")),
    (0x00C, _task("LFCLKSTOP")),
    (0x100, _event("HFCLKSTARTED")),
    (0x104, _event("LFCLKSTARTED")),
    (0x11C, _event("USBDETECTED")),
    (0x120, _event("USBREMOVED")),
    (0x124, _event("USBPWRRDY")),
    (0x304, Register("INTENSET", writable=0x383)),
    (0x308, Register("INTENCLR")),
    (0x400, Register("RESETREAS", writable=0xF000F)),
    (0x408, Register("HFCLKRUN", "r")),
    (0x40C, Register("HFCLKSTAT", "r")),
    (0x414, Register("LFCLKRUN", "r")),
    (0x418, Register("LFCLKSTAT", "r")),
    (0x438, Register("USBREGSTATUS", "r")),
    (0x518, Register("LFCLKSRC", writable=3)),
    (0x51C, Register("GPREGRET", writable=0xFF)),
    (0x578, Register("DCDCEN", writable=1)),
)

# PS 6.34.9
UARTE_TABLE = table(
    (0x000, _task("STARTRX")),
    (0x004, _task("STOPRX")),
    (0x008, _task("STARTTX")),
    (0x00C, _task("STOPTX")),
    (0x02C, _task("FLUSHRX")),
    (0x108, _event("RXDRDY")),
    (0x110, _event("ENDRX")),
    (0x11C, _event("TXDRDY")),
    (0x120, _event("ENDTX")),
    (0x124, _event("ERROR")),
    (0x144, _event("RXTO")),
    (0x14C, _event("RXSTARTED")),
    (0x150, _event("TXSTARTED")),
    (0x158, _event("TXSTOPPED")),
    (0x200, Register("SHORTS", writable=0x60)),
    (0x300, Register("INTEN", writable=0x5A0394)),
    (0x304, Register("INTENSET", writable=0x5A0394)),
    (0x308, Register("INTENCLR")),
    (0x480, Register("ERRORSRC", writable=0xF)),
    (0x500, Register("ENABLE", writable=0xF)),
    (0x508, Register("PSEL.RTS", reset=0xFFFFFFFF)),
    (0x50C, Register("PSEL.TXD", reset=0xFFFFFFFF)),
    (0x510, Register("PSEL.CTS", reset=0xFFFFFFFF)),
    (0x514, Register("PSEL.RXD", reset=0xFFFFFFFF)),
    (0x524, Register("BAUDRATE", reset=0x04000000)),
    (0x534, Register("RXD.PTR")),
    (0x538, Register("RXD.MAXCNT", writable=0xFFFF)),
    (0x53C, Register("RXD.AMOUNT", "r")),
    (0x544, Register("TXD.PTR")),
    (0x548, Register("TXD.MAXCNT", writable=0xFFFF)),
    (0x54C, Register("TXD.AMOUNT", "r")),
    (0x56C, Register("CONFIG", writable=0x1F)),
)
SHORT_ENDRX_STARTRX, SHORT_ENDRX_STOPRX = 1 << 5, 1 << 6
ERROR_OVERRUN = 1
CONFIGURATION = ("PSEL.RTS", "PSEL.TXD", "PSEL.CTS", "PSEL.RXD", "BAUDRATE", "CONFIG")


def timer_table(compares: int) -> Table:
    """Return the registers of a TIMER (PS 6.30.5): 0 to 2 compare four values, 3 and 4 six."""
    events = (1 << compares) - 1
    return table(
        (0x000, _task("START")),
        (0x004, _task("STOP")),
        (0x00C, _task("CLEAR")),
        (0x010, _task("SHUTDOWN")),
        [(0x040 + 4 * i, _task(f"CAPTURE[{i}]")) for i in range(compares)],
        [(0x140 + 4 * i, _event(f"COMPARE[{i}]")) for i in range(compares)],
        (0x200, Register("SHORTS", writable=events << 8 | events)),
        (0x304, Register("INTENSET", writable=events << 16)),
        (0x308, Register("INTENCLR")),
        (0x504, Register("MODE", writable=0)),  # counter mode is not modelled
        (0x508, Register("BITMODE", writable=3)),
        (0x510, Register("PRESCALER", writable=0xF, reset=4)),
        array("CC", 0x540, compares),
    )


RTC_COMPARES = {0x4000B000: 3, 0x40011000: 4, 0x40024000: 4}


def rtc_table(compares: int) -> Table:
    """Return the registers of an RTC (PS 6.22.10)."""
    events = ((1 << compares) - 1) << 16 | 3
    return table(
        (0x000, _task("START")),
        (0x004, _task("STOP")),
        (0x008, _task("CLEAR")),
        (0x00C, _task("TRIGOVRFLW")),
        (0x100, _event("TICK")),
        (0x104, _event("OVRFLW")),
        [(0x140 + 4 * i, _event(f"COMPARE[{i}]")) for i in range(compares)],
        (0x304, Register("INTENSET", writable=events)),
        (0x308, Register("INTENCLR")),
        (0x340, Register("EVTEN", writable=events)),
        (0x344, Register("EVTENSET", writable=events)),
        (0x348, Register("EVTENCLR")),
        (0x504, Register("COUNTER", "r")),
        (0x508, Register("PRESCALER", writable=0xFFF)),
        array("CC", 0x540, compares, writable=0xFFFFFF),
    )


# PS 6.36.4
WDT_TABLE = table(
    (0x000, _task("START")),
    (0x100, _event("TIMEOUT")),
    (0x304, Register("INTENSET", writable=1)),
    (0x308, Register("INTENCLR")),
    (0x400, Register("RUNSTATUS", "r")),
    (0x404, Register("REQSTATUS", "r")),
    (0x504, Register("CRV", reset=0xFFFFFFFF)),
    (0x508, Register("RREN", writable=0xFF, reset=1)),
    (0x50C, Register("CONFIG", writable=0x9, reset=1)),
    [(0x600 + 4 * i, Register(f"RR[{i}]", "w")) for i in range(8)],
)
# PS 5.3.7.10
RESET_BY_PIN, RESET_BY_WATCHDOG, RESET_BY_SOFTWARE = 1, 2, 4

TIMER_BITS = {0: 16, 1: 8, 2: 24, 3: 32}

# PS 6.9.2
GPIO_TABLE = table(
    (0x504, Register("OUT")),
    (0x508, Register("OUTSET")),
    (0x50C, Register("OUTCLR")),
    (0x510, Register("IN", "r")),
    (0x514, Register("DIR")),
    (0x518, Register("DIRSET")),
    (0x51C, Register("DIRCLR")),
    array("PIN_CNF", 0x700, 32, writable=0x3070F),
)

# PS 6.35.13; the last one is undocumented and erratum 199's
USBD_ENDPOINTS = 8
_USBD_EVENTS = 0x1C00401 | 0xFF << 2 | 0xFF << 12
USBD_TABLE = table(
    [(0x004 + 4 * i, _task(f"STARTEPIN[{i}]")) for i in range(USBD_ENDPOINTS)],
    [(0x028 + 4 * i, _task(f"STARTEPOUT[{i}]")) for i in range(USBD_ENDPOINTS)],
    (0x04C, _task("EP0RCVOUT")),
    (0x050, _task("EP0STATUS")),
    (0x054, _task("EP0STALL")),
    (0x100, _event("USBRESET")),
    [(0x108 + 4 * i, _event(f"ENDEPIN[{i}]")) for i in range(USBD_ENDPOINTS)],
    (0x128, _event("EP0DATADONE")),
    [(0x130 + 4 * i, _event(f"ENDEPOUT[{i}]")) for i in range(USBD_ENDPOINTS)],
    (0x158, _event("USBEVENT")),
    (0x15C, _event("EP0SETUP")),
    (0x160, _event("EPDATA")),
    (0x304, Register("INTENSET", writable=_USBD_EVENTS)),
    (0x308, Register("INTENCLR")),
    (0x400, Register("EVENTCAUSE", writable=0xF01)),
    (0x46C, Register("EPDATASTATUS", writable=0xFE00FE)),
    (0x480, Register("BMREQUESTTYPE", "r")),
    (0x484, Register("BREQUEST", "r")),
    (0x488, Register("WVALUEL", "r")),
    (0x48C, Register("WVALUEH", "r")),
    (0x490, Register("WINDEXL", "r")),
    (0x494, Register("WINDEXH", "r")),
    (0x498, Register("WLENGTHL", "r")),
    (0x49C, Register("WLENGTHH", "r")),
    array("SIZE.EPOUT", 0x4A0, USBD_ENDPOINTS, writable=0),
    (0x500, Register("ENABLE", writable=1)),
    (0x504, Register("USBPULLUP", writable=1)),
    (0x50C, Register("DTOGGLE", writable=0x387)),
    (0x510, Register("EPINEN", writable=0xFF, reset=1)),
    (0x514, Register("EPOUTEN", writable=0xFF, reset=1)),
    (0x518, Register("EPSTALL", "w", writable=0x187)),
    (0x52C, Register("LOWPOWER", writable=1)),
    [(0x600 + 20 * i, Register(f"EPIN[{i}].PTR")) for i in range(USBD_ENDPOINTS)],
    [(0x604 + 20 * i, Register(f"EPIN[{i}].MAXCNT", writable=0x7F)) for i in range(USBD_ENDPOINTS)],
    [(0x700 + 20 * i, Register(f"EPOUT[{i}].PTR")) for i in range(USBD_ENDPOINTS)],
    [
        (0x704 + 20 * i, Register(f"EPOUT[{i}].MAXCNT", writable=0x7F))
        for i in range(USBD_ENDPOINTS)
    ],
    (0xC1C, Register("ERRATUM_199", writable=0x82)),
)

# PS 4.4.1
FICR_BASE = 0x10000000
FICR_TABLE = table(
    (0x60, Register("DEVICEID[0]", "r", reset=0x89ABCDEF)),
    (0x64, Register("DEVICEID[1]", "r", reset=0x01234567)),
)

# Undocumented, of errata 171 and 187: the key reads as 0 while the others are locked.
ERRATA_BASE = 0x4006E000
ERRATA_TABLE = table(
    (0xC00, Register("KEY", writable=0x9375)),
    (0xC14, Register("ERRATUM_171", writable=0xC0)),
    (0xD14, Register("ERRATUM_187", writable=0x3)),
)

# What firmware may do to a peripheral that it does not use: switch it off.
OFF = Register("ENABLE", writable=0)
UNUSED_TABLES: dict[int, Table] = {
    0x40006000: table((0x308, Register("INTENCLR"))),
    0x40028000: table((0x308, Register("INTENCLR")), (0x500, OFF)),
}

# PS 4.3 NVMC: the cache, which takes no time here; flash cannot be written
NVMC_BASE = 0x4001E000
NVMC_TABLE = table((0x540, Register("ICACHECNF", writable=1)))
