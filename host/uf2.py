"""UF2: an image as blocks that each say where they belong (github.com/microsoft/uf2)."""

import struct

from tinykit.host.image import Image

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256
_MAGIC = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_FAMILY_PRESENT = 0x2000
_HEAD = struct.Struct("<8I")


def to_uf2(image: Image, family: int) -> bytes:
    """Write an image as UF2.

    Bootloaders write whole pages: blocks begin at multiples of the payload, and what the image does
    not fill is 0xff, as erased flash is.
    """
    before = image.load_address % PAYLOAD_BYTES
    start = image.load_address - before
    data = b"\xff" * before + image.data
    data += b"\xff" * (-len(data) % PAYLOAD_BYTES)
    count = len(data) // PAYLOAD_BYTES
    blocks = []
    for i in range(count):
        offset = i * PAYLOAD_BYTES
        head = _HEAD.pack(*_MAGIC, _FAMILY_PRESENT, start + offset, PAYLOAD_BYTES, i, count, family)
        body = head + data[offset : offset + PAYLOAD_BYTES]
        blocks.append(body.ljust(BLOCK_BYTES - 4, b"\0") + struct.pack("<I", _MAGIC_END))
    return b"".join(blocks)
