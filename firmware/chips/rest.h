// What a chip gives to an application that sleeps most of the time, beside chip.h.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_REST_H
#define TK_REST_H

#include <stdint.h>

// The slow clock's ticks, of which the chip has 1000 or 1024 a second, wrap after 4.5 hours.
extern const uint32_t tk_ticks_hz;
#define TK_TICKS_MASK 0xffffffu

// Starts the slow clock, and ends what tk_chip_start has begun: the wire of the link, the crystal.
// RAM behind the variables loses its power where the chip can; tk_chip_time_us starts from 0.
void tk_rest_start(void);

// Gives all RAM its power back. A soft reset must not be asked for without: it leaves the RAM as it
// is, and the bootloader, whose stack may lie there, does not look.
void tk_rest_end(void);

uint32_t tk_rest_ticks(void);

// How long until the ticks are there; 0 if they have passed by less than half of the way round.
static inline uint32_t tk_ticks_left(uint32_t ticks)
{
    const uint32_t left = (ticks - tk_rest_ticks()) & TK_TICKS_MASK;
    return left > TK_TICKS_MASK / 2u ? 0 : left;
}

// Sleeps with all variables kept until the ticks are there; not at all if they are too near, or
// have passed by less than half of the way round. Either way tk_chip_time_us starts again from 0.
void tk_rest_until(uint32_t ticks);

// Lets tk_chip_send work, until tk_rest_wire_off.
void tk_rest_wire_on(void);
void tk_rest_wire_off(void);

#endif
