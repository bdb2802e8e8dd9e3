// SELECT_V2: values of one tensor or of another; all three inputs may be repeated.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"

#define INPUTS 3

typedef struct {
    uint32_t rounds[TK_BROADCAST_LOOPS];
    const int8_t *at[INPUTS];
} places;

// Go on to the next row; 0 behind the last one.
static int next_row(const tk_select_layer *layer, places *walk)
{
    const uint32_t *loop = layer->loop;
    for (uint32_t i = 0; i < layer->loops; i++, loop += 1 + INPUTS) {
        walk->rounds[i]++;
        const uint32_t ended = walk->rounds[i] == loop[0];
        for (uint32_t k = 0; k < INPUTS; k++) {
            walk->at[k] += ended ? -(int32_t)((loop[0] - 1) * loop[1 + k]) : (int32_t)loop[1 + k];
        }
        if (!ended) {
            return 1;
        }
        walk->rounds[i] = 0;
    }
    return 0;
}

void tk_select(const tk_select_layer *layer, const void *condition, const void *x, const void *y,
               void *dst)
{
    places walk = {{0}, {condition, x, y}};
    int8_t *to = dst;
    do {
        const int8_t *which = walk.at[0], *left = walk.at[1], *right = walk.at[2];
        for (uint32_t i = 0; i < layer->row; i++) {
            const int8_t *from = *which != 0 ? left : right;
            for (uint32_t byte = 0; byte < layer->width; byte++) {
                *to++ = from[byte];
            }
            which += layer->steps[0];
            left += layer->steps[1];
            right += layer->steps[2];
        }
    } while (next_row(layer, &walk));
}
