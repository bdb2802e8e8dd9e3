// libFuzzer: whatever arrives, a frame is decoded inside its buffer and survives a round trip.
//
// SPDX-License-Identifier: Apache-2.0
#include "../../firmware/link/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_round_trip(const tk_frame *decoded)
{
    static tk_frame again;
    const tk_header header = tk_frame_header(decoded);
    again = *decoded;
    const size_t wire_bytes = tk_frame_encode(&again, &header);
    uint8_t wire[TK_FRAME_WIRE_BYTES];
    memcpy(wire, again.wire, sizeof wire);
    for (size_t i = 0; i < wire_bytes; i++) {
        const tk_frame_status status = tk_frame_feed(&again, wire[i]);
        if (status != (i + 1 < wire_bytes ? TK_FRAME_PARTIAL : TK_FRAME_WHOLE)) {
            abort();
        }
    }
    const size_t plain_bytes = TK_FRAME_HEADER_BYTES + header.length;
    if (memcmp(tk_frame_payload(&again) - TK_FRAME_HEADER_BYTES, decoded->wire + 2, plain_bytes)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tk_frame frame;
    tk_frame_reset(&frame);
    for (size_t i = 0; i < bytes; i++) {
        if (tk_frame_feed(&frame, data[i]) == TK_FRAME_WHOLE) {
            check_round_trip(&frame);
        }
    }
    return 0;
}
