// Finds out how much memory a model needs: fences around a part of the arena, paint on the stack.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tflm.h"

constexpr uint32_t BEFORE_BYTES = 16; // fences in front of the tried part, and behind it
constexpr uint32_t BEHIND_BYTES = 1024;
constexpr uint8_t FENCE = 0x5a;
constexpr uint32_t PAINT = 0xa5a5a5a5;
constexpr uint32_t UNPAINTED_WORDS = 16; // below the frame that paints: its callee's

extern "C" {
// From cortex_m.ld.
extern uint32_t __stack_bottom[], __stack_top[];

// The host writes the size to try into the image.
extern const volatile uint32_t tk_tflm_probe_bytes;
const volatile uint32_t tk_tflm_probe_bytes = 0;
}

// Below the top of the stack. How deep inference gets is the emulator's to tell: it paints, too.
static struct {
    uint32_t setup_bytes; // the deepest until the tensors were allocated
    uint32_t entry_bytes; // where inference begins
} depths;

// Calls visit for the bytes of both fences.
template <typename visitor> static void for_fences(visitor visit)
{
    uint8_t *const tried = tk_tflm_model.arena + BEFORE_BYTES;
    for (uint8_t *byte = tk_tflm_model.arena; byte < tried; byte++) {
        visit(byte);
    }
    for (uint32_t i = 0; i < BEHIND_BYTES; i++) {
        visit(tried + tk_tflm_probe_bytes + i);
    }
}

tk_tflm_arena tk_tflm_probe_arena(void)
{
    uint32_t *const frame = static_cast<uint32_t *>(__builtin_frame_address(0));
    for (volatile uint32_t *word = __stack_bottom; word < frame - UNPAINTED_WORDS; word++) {
        *word = PAINT;
    }
    for_fences([](uint8_t *byte) { *byte = FENCE; });
    return {tk_tflm_model.arena + BEFORE_BYTES, tk_tflm_probe_bytes};
}

static uint32_t depth_of(const volatile uint32_t *word)
{
    return static_cast<uint32_t>(__stack_top - word) * sizeof *word;
}

static void check_fences(void)
{
    for_fences([](const uint8_t *byte) {
        tk_tflm_expect(*byte == FENCE ? kTfLiteOk : kTfLiteError, TK_TFLM_OVERRUN);
    });
}

void tk_tflm_probe_after_setup(void)
{
    const volatile uint32_t *word = __stack_bottom;
    while (*word == PAINT) {
        word++;
    }
    depths.setup_bytes = depth_of(word);
    check_fences();
}

void tk_tflm_probe_after_invoke(void)
{
    depths.entry_bytes = depth_of(static_cast<uint32_t *>(__builtin_frame_address(0)));
    check_fences();
}

tk_port tk_tflm_probe_port(void) { return {reinterpret_cast<uint8_t *>(&depths), sizeof depths}; }
