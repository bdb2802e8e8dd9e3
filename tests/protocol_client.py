"""A client of the link written from docs/protocol.md alone: `PORT TIMEOUT_S <inputs >outputs`.

It sends whole inputs from stdin, one after the other, and writes their outputs to stdout.
"""

import struct
import sys
import zlib

import serial


def encode(plain):
    out = run = b""
    for byte in plain + struct.pack("<IB", zlib.crc32(plain), 0):
        run += bytes([byte]) if byte else b""
        if byte == 0 or len(run) == 254:
            out, run = out + bytes([len(run) + 1]) + run, b""
    return b"\0" + out + b"\0"


def decode(wire):
    plain = b""
    while wire:
        code, wire = wire[0], wire[1:]
        plain, wire = plain + wire[: code - 1], wire[code - 1 :]
        plain += b"\0" if code < 255 and wire else b""
    whole = len(plain) >= 14 and zlib.crc32(plain[:-4]) == struct.unpack("<I", plain[-4:])[0]
    return plain[:-4] if whole else None


def ask(port, kind, sequence, offset=0, payload=b""):
    request = struct.pack("<BBHIH", 1, kind, sequence, offset, len(payload)) + payload
    for _ in range(30):
        port.write(encode(request))
        while (wire := port.read_until(b"\0")).endswith(b"\0"):
            plain = decode(wire[:-1])
            if plain and plain[1] >= 0xFE:
                sys.exit(f"board: type {plain[1]:#x}, {plain[10:].hex()}")
            if plain and struct.unpack("<BBH", plain[:4]) == (1, kind + 0x80, sequence):
                return plain[10:]
    sys.exit("no answer")


def infer(port, sequence, data, output_bytes):
    for offset in range(0, len(data), 492):
        ask(port, 2, sequence, offset, data[offset : offset + 492])
    result = ask(port, 3, sequence)
    input_crc, _time_us, output_crc = struct.unpack("<III", result[:12])
    output = result[12:]
    while len(output) < output_bytes:
        count = struct.pack("<H", min(492, output_bytes - len(output)))
        output += ask(port, 4, sequence, len(output), count)
    good = (zlib.crc32(data[::-1]), zlib.crc32(output[::-1])) == (input_crc, output_crc)
    return output if good else sys.exit("a checksum is wrong")


if __name__ == "__main__":
    with serial.Serial(sys.argv[1], 115200, timeout=float(sys.argv[2])) as line:
        sizes = struct.unpack("<II", ask(line, 1, 0xFFFF)[4:12])
        for number, data in enumerate(iter(lambda: sys.stdin.buffer.read(sizes[0]), b"")):
            sys.stdout.buffer.write(infer(line, number % 0xFFFF, data, sizes[1]))
