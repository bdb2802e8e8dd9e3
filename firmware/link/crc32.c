// CRC-32 by nibbles: 64 bytes of table, two steps a byte.
//
// SPDX-License-Identifier: Apache-2.0
#include "crc32.h"

// Row n is n shifted out through the reflected polynomial 0xedb88320.
static const uint32_t nibbles[16] = {
    0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
    0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
    0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
};

uint32_t tk_crc32_byte(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    crc = (crc >> 4) ^ nibbles[crc & 0xfu];
    return (crc >> 4) ^ nibbles[crc & 0xfu];
}

uint32_t tk_crc32_update(uint32_t crc, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        crc = tk_crc32_byte(crc, data[i]);
    }
    return crc;
}
