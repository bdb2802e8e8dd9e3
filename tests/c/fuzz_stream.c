// libFuzzer: whatever frames and rubbish arrive, each request is answered once, by a whole frame
// about the same input, and a hello leaves nothing of what came before.
//
// The data are records: a byte below 0x80 begins a frame, whose CRC is put right, since no fuzzer
// would guess it; any other is followed by so many bytes that go over the wire as they are.
//
// SPDX-License-Identifier: Apache-2.0
#define main tk_app_main
#include "../../firmware/apps/stream.c"
#undef main

#include <stdlib.h>
#include <string.h>

#define WIRE_BYTES 16384u // more than an input of 60 bytes becomes
#define RAW        0x80u
#define SEQUENCES  4u
#define LONGEST    0xffu // a record asks for the longest payload, rarely: it takes time
#define HEAD_BYTES 6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint8_t wire[WIRE_BYTES];
static size_t wire_bytes;
static size_t next;
static tk_frame heard; // the same bytes, decoded a second time
static bool asked;     // a whole frame has come in, and no answer has gone out
static tk_header request, answer;
static uint8_t answer_payload[TK_FRAME_PAYLOAD_BYTES];

static const uint8_t image[] = "an image";

tk_image tk_chip_image(void) { return (tk_image){image, sizeof image}; }

uint32_t tk_chip_time_us(void) { return 7; }

void tk_chip_feed(void) {}

uint32_t tk_chip_reset_reasons(void) { return 0; }

tk_stack tk_chip_stack(void) { return (tk_stack){1, 1}; }

uint8_t tk_chip_receive(void)
{
    if (asked || (next == wire_bytes)) {
        abort();
    }
    if (tk_frame_feed(&heard, wire[next]) == TK_FRAME_WHOLE) {
        asked = true;
        request = tk_frame_header(&heard);
    }
    return wire[next++];
}

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    static tk_frame said;
    tk_frame_reset(&said);
    for (size_t i = 0; i < bytes; i++) {
        const tk_frame_status status = tk_frame_feed(&said, data[i]);
        if (status != (i + 1 < bytes ? TK_FRAME_PARTIAL : TK_FRAME_WHOLE)) {
            abort();
        }
    }
    answer = tk_frame_header(&said);
    memcpy(answer_payload, tk_frame_payload(&said), answer.length);
    const bool served = answer.type == (uint8_t)(request.type + TK_ANSWER);
    if (!asked || (answer.sequence != request.sequence) || (!served && answer.type != TK_REFUSAL)) {
        abort();
    }
    asked = false;
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes) { tk_chip_send(data, bytes); }

static void put(const uint8_t *from, size_t bytes)
{
    if (bytes <= WIRE_BYTES - wire_bytes) {
        memcpy(&wire[wire_bytes], from, bytes);
        wire_bytes += bytes;
    }
}

static void put_frame(const tk_header *header, uint8_t first)
{
    static tk_frame made;
    for (uint16_t i = 0; i < header->length; i++) {
        tk_frame_payload(&made)[i] = (uint8_t)(first + i % 7u * i);
    }
    const size_t bytes = tk_frame_encode(&made, header);
    put(made.wire, bytes);
}

// kind, sequence and high bits of the offset, offset, length, two bytes of payload; a trace or a
// peek has its own length.
static void put_record(const uint8_t *record)
{
    static const uint16_t own_length[8] = {0, 0, 0, 0, 2, 2, 2, 0};
    static const uint16_t lengths[8] = {
        0, 1, 2, 3, 5, HALF_BYTES, 2 * HALF_BYTES, 2 * HALF_BYTES + 1};
    const uint8_t type = record[0] & 0x40u ? record[4] : record[0] & 7u;
    tk_header header = {
        .version = record[0] & 0x20u ? record[5] : TK_FRAME_VERSION,
        .type = type,
        .sequence = record[1] % SEQUENCES,
        .offset = (uint32_t)record[2] << (record[1] >> 3),
        .length = type == TK_WRITE ? lengths[record[3] & 7u] : own_length[type & 7u],
    };
    if (record[0] & 0x10u) {
        header.length = lengths[record[3] & 7u];
    }
    if (record[3] == LONGEST) {
        header.length = TK_FRAME_PAYLOAD_BYTES;
    }
    put_frame(&header, record[4]);
}

static void put_records(const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        size_t taken = 1;
        if (*data & RAW) {
            taken += *data & 0x7fu;
            taken = taken < bytes ? taken : bytes;
            put(data + 1, taken - 1);
        } else {
            uint8_t record[HEAD_BYTES] = {0};
            taken = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
            memcpy(record, data, taken);
            put_record(record);
        }
        data += taken;
        bytes -= taken;
    }
}

// Puts a request behind whatever is on the wire, and lets the board go on until it is answered.
static void ask(tk_type type, uint16_t sequence)
{
    const uint8_t end = 0;
    put(&end, 1);
    put_frame(&(tk_header){.version = TK_FRAME_VERSION, .type = type, .sequence = sequence}, 0);
    while (next < wire_bytes) {
        answer_one();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    now = (session){.known = false};
    greeted = false;
    tk_frame_reset(&heard);
    next = wire_bytes = 0;
    put_records(data, bytes);
    ask(TK_HELLO, 0);
    if (answer.type != TK_HELLO + TK_ANSWER) {
        abort();
    }
    ask(TK_RUN, bytes == 0 ? 0 : data[0] % SEQUENCES);
    if ((answer.type != TK_REFUSAL) || (tk_load_u32(answer_payload) != TK_INCOMPLETE) ||
        (tk_load_u32(answer_payload + 4) != 0)) {
        abort();
    }
    return 0;
}
