// The application that a product starts from: wakes by the RTC, samples, infers, acts, sleeps on.
//
// SPDX-License-Identifier: Apache-2.0
#include "../chips/chip.h"
#include "../chips/rest.h"
#include "../link/text.h"
#include "tk_hooks.h"
#include "tk_model.h"

#define US_A_SECOND     1000000u
#define LEAST_PERIOD_MS 2u
#define MOST_PERIOD_MS  8000000u // 2^23 ticks are half of the way round

static uint32_t wakes;
static uint64_t awake_us;
static uint64_t total_ticks;

int main(void);

tk_rest_times tk_rested(void)
{
    return (tk_rest_times){
        .wakes = wakes,
        .awake_us = awake_us,
        .total_us = total_ticks * US_A_SECOND / tk_ticks_hz,
    };
}

static uint32_t asleep_per_mille(const tk_rest_times *times)
{
    if (times->awake_us >= times->total_us) {
        return 0;
    }
    return (uint32_t)((times->total_us - times->awake_us) * 1000u / times->total_us);
}

void tk_rested_report(void)
{
    const tk_rest_times times = tk_rested();
    tk_rest_wire_on();
    tk_text_put("wakes ");
    tk_text_number(times.wakes);
    tk_text_put(" awake ");
    tk_text_number(times.awake_us);
    tk_text_put(" us of ");
    tk_text_number(times.total_us);
    tk_text_put(" us asleep ");
    tk_text_number(asleep_per_mille(&times));
    tk_text_put(" of 1000");
    tk_text_end();
    tk_rest_wire_off();
}

// A board that has worked once starts again.
bool tk_fault_report(const tk_fault *fault)
{
    tk_rest_end(); // a restart follows
    tk_rest_wire_on();
    tk_text_fault(fault);
    return wakes > 0;
}

static uint32_t period_ticks(void)
{
    const uint32_t least = period_ms < LEAST_PERIOD_MS ? LEAST_PERIOD_MS : period_ms;
    const uint32_t ms = least < MOST_PERIOD_MS ? least : MOST_PERIOD_MS;
    return (uint32_t)((uint64_t)ms * tk_ticks_hz / 1000u);
}

static void work(void)
{
    tk_chip_feed();
    if (sample()) {
        tk_app_model.invoke();
        act();
    }
}

// One that has been late sleeps a whole period, rather than never.
static uint32_t next_wake(uint32_t last, uint32_t now)
{
    const uint32_t next = last + period_ticks();
    const bool is_late = ((now - last) & TK_TICKS_MASK) >= period_ticks();
    return (is_late ? now + period_ticks() : next) & TK_TICKS_MASK;
}

int main(void)
{
    if (tk_app_model.reset_state != NULL) {
        tk_app_model.reset_state();
    }
    tk_rest_start();
    uint32_t wake = tk_rest_ticks();
    for (;;) {
        work();
        awake_us += tk_chip_time_us();
        const uint32_t next = next_wake(wake, tk_rest_ticks());
        tk_rest_until(next);
        total_ticks += (next - wake) & TK_TICKS_MASK;
        wake = next;
        wakes++;
    }
}
