// The streaming application: takes inputs over the link, runs the model, gives outputs back.
//
// SPDX-License-Identifier: Apache-2.0
#include "../chips/chip.h"
#include "../link/crc32.h"
#include "../link/link.h"
#include "board.h"
#include "build.h"
#include "tk_model.h"

#ifndef TK_TRACE
#define TK_TRACE 0
#endif

// clang would copy these into each caller, for 160 bytes of flash.
#define OUT_OF_LINE __attribute__((noinline))

#define RESULT_HEAD_BYTES 12u // the two CRCs and the time in front of the output

typedef enum {
    INPUT_MISSING, // some or all bytes of the input are still to come
    INPUT_RUN,     // the outputs are valid
    INPUT_TRACED,  // the arena is as it was behind traced_layer
} progress;

typedef struct {
    bool known; // there is a current sequence number
    uint16_t sequence;
    progress progress;
    uint32_t arrived_bytes;
    uint32_t input_crc32;
    uint32_t output_crc32;
    uint32_t time_us;
    uint16_t traced_layer;
} session;

static session now;
static bool greeted; // since reset: else the host would not notice one between two inferences

int main(void);

OUT_OF_LINE static uint32_t ports_bytes(const tk_port *ports, size_t count)
{
    uint32_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += ports[i].bytes;
    }
    return bytes;
}

// The caller has checked that offset is inside.
OUT_OF_LINE static uint8_t *ports_at(const tk_port *port, uint32_t offset)
{
    while (offset >= port->bytes) {
        offset -= port->bytes;
        port++;
    }
    return port->data + offset;
}

// From the last byte to the first: damage that the CRC of a frame has missed, this one finds.
OUT_OF_LINE static uint32_t ports_crc32(const tk_port *ports, uint32_t bytes)
{
    uint32_t crc = TK_CRC32_START;
    while (bytes-- > 0) {
        crc = tk_crc32_byte(crc, *ports_at(ports, bytes));
    }
    return ~crc;
}

static uint32_t input_bytes(void)
{
    return ports_bytes(tk_app_model.inputs, tk_app_model.input_count);
}

static uint32_t output_bytes(void)
{
    return ports_bytes(tk_app_model.outputs, tk_app_model.output_count);
}

static bool is_current(uint16_t sequence) { return now.known && (now.sequence == sequence); }

static uint32_t arrived_bytes(uint16_t sequence)
{
    return is_current(sequence) ? now.arrived_bytes : 0;
}

// Written so that no sum can wrap.
static bool fits(uint32_t offset, uint32_t count, uint32_t bytes)
{
    return (offset <= bytes) && (count <= bytes - offset);
}

static tk_error refuse(uint32_t *detail, uint32_t value, tk_error error)
{
    *detail = value;
    return error;
}

static void answer_until(tk_header *frame, const uint8_t *end)
{
    frame->length = (uint16_t)(end - tk_link_payload());
}

static uint8_t *put_text(uint8_t *to, const char *text, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        *to++ = (uint8_t)*text;
        text += *text != '\0';
    }
    return to;
}

static tk_error hello(tk_header *frame)
{
    const tk_image image = tk_chip_image();
    now = (session){.known = false};
    greeted = true;
    if (tk_app_model.reset_state != NULL) {
        tk_app_model.reset_state();
    }
    uint8_t *end = tk_store_u16(tk_link_payload(), TK_FRAME_PAYLOAD_BYTES);
    end = tk_store_u16(end, tk_app_model.layers);
    end = tk_store_u32(end, input_bytes());
    end = tk_store_u32(end, output_bytes());
    end = tk_store_u32(end, tk_app_model.arena_bytes);
    end = tk_store_u32(end, TK_CLOCK_HZ);
    end = tk_store_u32(end, image.bytes);
    end = tk_store_u32(end, ~tk_crc32_update(TK_CRC32_START, image.start, image.bytes));
    end = put_text(end, tk_app_model.digest, 16);
    end = put_text(end, TK_BUILD_ID, 16);
    end = put_text(end, TK_BOARD_NAME, 24);
    end = put_text(end, TK_APP_NAME, 8);
    answer_until(frame, end);
    return TK_OK;
}

static void begin_input(uint16_t sequence)
{
    if (!is_current(sequence)) {
        now = (session){.known = true, .sequence = sequence};
    }
}

static void store_input(uint32_t offset, const uint8_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        *ports_at(tk_app_model.inputs, offset + i) = from[i];
    }
}

static tk_error write(tk_header *frame, uint32_t *detail)
{
    const uint32_t arrived = arrived_bytes(frame->sequence);
    if (!greeted) {
        return refuse(detail, 0, TK_NO_SESSION);
    }
    if (is_current(frame->sequence) && (now.progress != INPUT_MISSING)) {
        return refuse(detail, frame->sequence, TK_ALREADY_RUN);
    }
    if (!fits(frame->offset, frame->length, input_bytes())) {
        return refuse(detail, input_bytes(), TK_TOO_LONG);
    }
    if ((frame->offset != arrived) && !fits(frame->offset, frame->length, arrived)) {
        return refuse(detail, arrived, TK_GAP);
    }
    begin_input(frame->sequence);
    store_input(frame->offset, tk_link_payload(), frame->length);
    if (frame->offset == arrived) {
        now.arrived_bytes += frame->length;
    }
    frame->offset = now.arrived_bytes;
    frame->length = 0;
    return TK_OK;
}

// The input may be used: it is whole, and no inference has destroyed it.
static tk_error check_input(uint16_t sequence, uint32_t *detail)
{
    if (is_current(sequence) && (now.progress != INPUT_MISSING)) {
        return refuse(detail, sequence, TK_ALREADY_RUN);
    }
    if (!is_current(sequence) || (now.arrived_bytes != input_bytes())) {
        return refuse(detail, arrived_bytes(sequence), TK_INCOMPLETE);
    }
    return TK_OK;
}

static void invoke(progress next)
{
    now.input_crc32 = ports_crc32(tk_app_model.inputs, input_bytes());
    const uint32_t start_us = tk_chip_time_us();
    tk_app_model.invoke();
    now.time_us = tk_chip_time_us() - start_us;
    now.progress = next;
}

// Returns the byte behind them.
OUT_OF_LINE static uint8_t *load(uint8_t *to, const tk_port *ports, uint32_t offset, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        *to++ = *ports_at(ports, offset + i);
    }
    return to;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static tk_error run(tk_header *frame, uint32_t *detail)
{
    uint32_t most = TK_FRAME_PAYLOAD_BYTES - RESULT_HEAD_BYTES; // bytes of output in the answer
    if (frame->length != 0) {
        most = least(most, tk_load_u16(tk_link_payload()));
    }
    if (!is_current(frame->sequence) || (now.progress != INPUT_RUN)) {
        const tk_error error = check_input(frame->sequence, detail);
        if (error != TK_OK) {
            return error;
        }
#if TK_TRACE
        tk_trace_stop = TK_TRACE_ALL;
#endif
        invoke(INPUT_RUN);
        now.output_crc32 = ports_crc32(tk_app_model.outputs, output_bytes());
    }
    uint8_t *end = tk_store_u32(tk_link_payload(), now.input_crc32);
    end = tk_store_u32(end, now.time_us);
    end = tk_store_u32(end, now.output_crc32);
    answer_until(frame, load(end, tk_app_model.outputs, 0, least(most, output_bytes())));
    return TK_OK;
}

static tk_error not_run(uint32_t *detail)
{
    return refuse(detail, now.known ? now.sequence : UINT32_MAX, TK_NOT_RUN);
}

// Answers with the bytes that a read or a peek asks for.
static tk_error slice(tk_header *frame, uint32_t *detail, const tk_port *ports, size_t port_count)
{
    const uint32_t count = tk_load_u16(tk_link_payload());
    const uint32_t bytes = ports_bytes(ports, port_count);
    if (count > TK_FRAME_PAYLOAD_BYTES) {
        return refuse(detail, count, TK_BAD_LENGTH);
    }
    if (!fits(frame->offset, count, bytes)) {
        return refuse(detail, bytes, TK_OUT_OF_RANGE);
    }
    answer_until(frame, load(tk_link_payload(), ports, frame->offset, count));
    return TK_OK;
}

static tk_error read(tk_header *frame, uint32_t *detail)
{
    if (!is_current(frame->sequence) || (now.progress != INPUT_RUN)) {
        return not_run(detail);
    }
    return slice(frame, detail, tk_app_model.outputs, tk_app_model.output_count);
}

#if TK_TRACE
static bool is_traced(uint16_t sequence, uint16_t layer)
{
    return is_current(sequence) && (now.progress == INPUT_TRACED) && (now.traced_layer == layer);
}

static tk_error trace(tk_header *frame, uint32_t *detail)
{
    const uint16_t layer = tk_load_u16(tk_link_payload());
    if (layer >= tk_app_model.layers) {
        return refuse(detail, tk_app_model.layers, TK_OUT_OF_RANGE);
    }
    if (!is_traced(frame->sequence, layer)) {
        const tk_error error = check_input(frame->sequence, detail);
        if (error != TK_OK) {
            return error;
        }
        tk_trace_stop = layer;
        invoke(INPUT_TRACED);
        now.traced_layer = layer;
    }
    answer_until(frame,
                 tk_store_u32(tk_store_u32(tk_link_payload(), now.input_crc32), now.time_us));
    return TK_OK;
}

static tk_error peek(tk_header *frame, uint32_t *detail)
{
    if (!is_current(frame->sequence) || (now.progress == INPUT_MISSING)) {
        return not_run(detail);
    }
    const tk_port arena = {(uint8_t *)(uintptr_t)tk_app_model.arena, tk_app_model.arena_bytes};
    return slice(frame, detail, &arena, 1);
}
#else
static tk_error trace(const tk_header *frame, uint32_t *detail)
{
    return refuse(detail, frame->type, TK_NOT_IN_THIS_BUILD);
}

static tk_error peek(const tk_header *frame, uint32_t *detail)
{
    return refuse(detail, frame->type, TK_NOT_IN_THIS_BUILD);
}
#endif

// How the board is, rather than what it computes: neither needs nor changes a session.
static tk_error status(tk_header *frame)
{
    const tk_stack stack = tk_chip_stack();
    uint8_t *end = tk_store_u32(tk_link_payload(), tk_chip_reset_reasons());
    end = tk_store_u32(end, tk_chip_time_us());
    end = tk_store_u32(end, stack.bytes);
    answer_until(frame, tk_store_u32(end, stack.used));
    return TK_OK;
}

// The length of payload that a request must have; a write may have any, a run 0 or 2.
static uint16_t wanted_length(const tk_header *frame)
{
    switch (frame->type) {
    case TK_WRITE:
        return frame->length;
    case TK_RUN:
        return frame->length & 2u;
    case TK_READ:
    case TK_TRACE_LAYER:
    case TK_PEEK:
        return 2;
    default:
        return 0;
    }
}

static tk_error serve(tk_header *frame, uint32_t *detail)
{
    switch (frame->type) {
    case TK_HELLO:
        return hello(frame);
    case TK_WRITE:
        return write(frame, detail);
    case TK_RUN:
        return run(frame, detail);
    case TK_READ:
        return read(frame, detail);
    case TK_TRACE_LAYER:
        return trace(frame, detail);
    case TK_PEEK:
        return peek(frame, detail);
    default:
        return status(frame);
    }
}

static tk_error check_and_serve(tk_header *frame, uint32_t *detail)
{
    if (frame->version != TK_FRAME_VERSION) {
        return refuse(detail, TK_FRAME_VERSION, TK_BAD_VERSION);
    }
    if ((frame->type < TK_HELLO) || (frame->type > TK_STATUS)) {
        return refuse(detail, frame->type, TK_BAD_TYPE);
    }
    if (frame->length != wanted_length(frame)) {
        return refuse(detail, frame->length, TK_BAD_LENGTH);
    }
    return serve(frame, detail);
}

static void answer_one(void)
{
    tk_chip_feed();
    tk_header frame = tk_link_receive();
    uint32_t detail = 0;
    const tk_error error = check_and_serve(&frame, &detail);
    frame.version = TK_FRAME_VERSION;
    frame.type = (uint8_t)(frame.type + TK_ANSWER);
    if (error != TK_OK) {
        tk_store_u32(tk_store_u32(tk_link_payload(), (uint32_t)error), detail);
        frame.type = TK_REFUSAL;
        frame.length = 8;
    }
    tk_link_send(&frame);
}

int main(void)
{
    for (;;) {
        answer_one();
    }
}
