// COBS, header, CRC: one frame in one static buffer, decoded as it arrives and encoded in place.
//
// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include "crc32.h"

// COBS puts one code byte before each 254 bytes. With as much room in front of the plain frame,
// encoding in place never overtakes what it reads.
#define COBS_BLOCK_BYTES 254u
#define PLAIN_START      2u

_Static_assert(TK_FRAME_PLAIN_BYTES / COBS_BLOCK_BYTES + 1 <= PLAIN_START, "room for the codes");
_Static_assert(PLAIN_START + TK_FRAME_PLAIN_BYTES + 1 <= TK_FRAME_WIRE_BYTES, "and the delimiter");

uint16_t tk_load_u16(const uint8_t *from) { return (uint16_t)(from[0] | (from[1] << 8)); }

uint32_t tk_load_u32(const uint8_t *from)
{
    return tk_load_u16(from) | ((uint32_t)tk_load_u16(from + 2) << 16);
}

uint8_t *tk_store_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

uint8_t *tk_store_u32(uint8_t *to, uint32_t value)
{
    return tk_store_u16(tk_store_u16(to, (uint16_t)value), (uint16_t)(value >> 16));
}

void tk_frame_reset(tk_frame *frame)
{
    frame->crc = TK_CRC32_START;
    frame->plain_bytes = 0;
    frame->block_left = 0;
    frame->zero_due = false;
    frame->overlong = false;
}

tk_header tk_frame_header(const tk_frame *frame)
{
    const uint8_t *plain = &frame->wire[PLAIN_START];
    return (tk_header){
        .version = plain[0],
        .type = plain[1],
        .sequence = tk_load_u16(plain + 2),
        .offset = tk_load_u32(plain + 4),
        .length = tk_load_u16(plain + 8),
    };
}

uint8_t *tk_frame_payload(tk_frame *frame)
{
    return &frame->wire[PLAIN_START + TK_FRAME_HEADER_BYTES];
}

static void take_plain(tk_frame *frame, uint8_t byte)
{
    if (frame->plain_bytes >= TK_FRAME_PLAIN_BYTES) {
        frame->overlong = true;
        return;
    }
    frame->wire[PLAIN_START + frame->plain_bytes] = byte;
    frame->plain_bytes++;
    frame->crc = tk_crc32_byte(frame->crc, byte);
}

static bool whole(const tk_frame *frame)
{
    const uint32_t around = TK_FRAME_HEADER_BYTES + TK_FRAME_CRC_BYTES;
    return !frame->overlong && (frame->block_left == 0) && (frame->plain_bytes >= around) &&
           (tk_frame_header(frame).length + around == frame->plain_bytes) &&
           (frame->crc == TK_CRC32_RESIDUE);
}

static tk_frame_status end_frame(tk_frame *frame)
{
    const tk_frame_status status = whole(frame) ? TK_FRAME_WHOLE : TK_FRAME_BAD;
    tk_frame_reset(frame);
    return status;
}

tk_frame_status tk_frame_feed(tk_frame *frame, uint8_t byte)
{
    if (byte == 0) {
        return end_frame(frame);
    }
    if (frame->block_left > 0) {
        frame->block_left--;
        take_plain(frame, byte);
        return TK_FRAME_PARTIAL;
    }
    if (frame->zero_due) {
        take_plain(frame, 0);
    }
    frame->block_left = (uint8_t)(byte - 1);
    frame->zero_due = byte <= COBS_BLOCK_BYTES;
    return TK_FRAME_PARTIAL;
}

static size_t encode_cobs(uint8_t *wire, size_t plain_bytes)
{
    size_t code = 0;
    size_t to = 1;
    for (size_t from = PLAIN_START; from < PLAIN_START + plain_bytes; from++) {
        if (to - code > COBS_BLOCK_BYTES) {
            wire[code] = (uint8_t)(to - code);
            code = to++;
        }
        const uint8_t byte = wire[from];
        if (byte == 0) {
            wire[code] = (uint8_t)(to - code);
            code = to++;
        } else {
            wire[to++] = byte;
        }
    }
    wire[code] = (uint8_t)(to - code);
    wire[to++] = 0;
    return to;
}

size_t tk_frame_encode(tk_frame *frame, const tk_header *header)
{
    uint8_t *plain = &frame->wire[PLAIN_START];
    const size_t bytes = TK_FRAME_HEADER_BYTES + header->length;
    plain[0] = header->version;
    plain[1] = header->type;
    tk_store_u16(plain + 2, header->sequence);
    tk_store_u32(plain + 4, header->offset);
    tk_store_u16(plain + 8, header->length);
    tk_store_u32(plain + bytes, ~tk_crc32_update(TK_CRC32_START, plain, bytes));
    tk_frame_reset(frame);
    return encode_cobs(frame->wire, bytes + TK_FRAME_CRC_BYTES);
}
