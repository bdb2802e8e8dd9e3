"""UF2 files: read back block by block, as a bootloader reads them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.host.image import Image
from tinykit.host.uf2 import to_uf2

FAMILY = 0xADA52840


def read_back(data: bytes) -> tuple[int, bytes]:
    """Check every block; return where the first one belongs, and what all of them hold."""
    assert len(data) % 512 == 0
    count = len(data) // 512
    first = struct.unpack_from("<I", data, 12)[0]
    payload = b""
    for i in range(count):
        block = data[512 * i : 512 * (i + 1)]
        magic0, magic1, flags, address, size, number, blocks, family = struct.unpack_from(
            "<8I", block
        )
        assert (magic0, magic1) == (0x0A324655, 0x9E5D5157)
        assert block[508:] == bytes.fromhex("306fb10a")
        assert (flags, size, number, blocks, family) == (0x2000, 256, i, count, FAMILY)
        assert address == first + 256 * i
        assert block[288:508] == bytes(220)
        payload += block[32:288]
    return first, payload


@given(
    st.binary(min_size=1, max_size=2000),
    st.sampled_from([0x10000000, 0x27000, 0x10080]),
)
def test_blocks_hold_the_image_where_it_belongs(data: bytes, address: int) -> None:
    first, payload = read_back(to_uf2(Image(address, data, 0, (), ()), FAMILY))

    before = address - first
    assert first % 256 == 0 and 0 <= before < 256
    assert payload[before : before + len(data)] == data
    assert set(payload[:before] + payload[before + len(data) :]) <= {0xFF}


@pytest.mark.parametrize("bytes_", [255, 256, 257])
def test_the_last_block_is_whole(bytes_: int) -> None:
    made = to_uf2(Image(0x27000, bytes(bytes_), 0, (), ()), FAMILY)
    assert len(made) == 512 * -(-bytes_ // 256)
