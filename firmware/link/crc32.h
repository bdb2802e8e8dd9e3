// CRC-32 of IEEE 802.3, the same as zlib's.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_CRC32_H
#define TK_CRC32_H

#include <stddef.h>
#include <stdint.h>

// Running value before its final inversion: begin with TK_CRC32_START, end with ~crc.
#define TK_CRC32_START UINT32_MAX

// The running value after data that ends in its own CRC, little endian.
#define TK_CRC32_RESIDUE 0xdebb20e3u

uint32_t tk_crc32_byte(uint32_t crc, uint8_t byte);
uint32_t tk_crc32_update(uint32_t crc, const uint8_t *data, size_t bytes);

#endif
