// The one frame buffer of the firmware and its way over the wire.
//
// SPDX-License-Identifier: Apache-2.0
#include "link.h"

#include "../chips/chip.h"

static tk_frame frame;
static uint16_t sequence_at_work; // for the fault frame
static bool asked;                // since reset

tk_header tk_link_receive(void)
{
    tk_frame_reset(&frame);
    while (tk_frame_feed(&frame, tk_chip_receive()) != TK_FRAME_WHOLE) {
    }
    const tk_header request = tk_frame_header(&frame);
    sequence_at_work = request.sequence;
    asked = true;
    return request;
}

uint8_t *tk_link_payload(void) { return tk_frame_payload(&frame); }

void tk_link_send(const tk_header *answer)
{
    const size_t bytes = tk_frame_encode(&frame, answer);
    tk_chip_send(frame.wire, bytes);
}

bool tk_fault_report(const tk_fault *fault)
{
    uint8_t *const payload = tk_frame_payload(&frame);
    uint8_t *end = tk_store_u32(payload, fault->pc);
    end = tk_store_u32(end, fault->lr);
    end = tk_store_u32(end, fault->cfsr);
    end = tk_store_u32(end, fault->hfsr);
    end = tk_store_u32(end, fault->address);
    const tk_header header = {
        .version = TK_FRAME_VERSION,
        .type = TK_FAULT,
        .sequence = sequence_at_work,
        .length = (uint16_t)(end - payload),
    };
    const size_t bytes = tk_frame_encode(&frame, &header);
    tk_chip_send_polled(frame.wire, bytes);
    return asked;
}
