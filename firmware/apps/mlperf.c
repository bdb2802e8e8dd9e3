// The application for the runner of MLPerf Tiny: commands that end in '%', answers in lines.
//
// What its reference firmware gets wrong is refused here: a `db` with more bytes than announced, a
// command longer than the buffer, an empty one, and one whose echo would look like an answer's end.
//
// SPDX-License-Identifier: Apache-2.0
#include "mlperf.h"
#include "../chips/chip.h"
#include "../link/line.h"
#include "../link/text.h"
#include "board.h"
#include "tk_mlperf.h"

#define MOST_INFERENCES     1000000u
#define DEFAULT_WARMUPS     10u // of the reference
#define BUFFER_BYTES_A_LINE 8u

// Not the model's own input, which an inference may destroy.
static uint8_t loaded[TK_MLPERF_LOAD_BYTES];
static uint32_t loaded_bytes;
static uint32_t expected_bytes; // announced by `db load`
static bool answered;           // the outputs are those of what is loaded

int main(void);

static void say(const char *line)
{
    tk_text_put(line);
    tk_text_end();
}

static void say_number(const char *before, uint32_t number, const char *behind)
{
    tk_text_put(before);
    tk_text_number(number);
    say(behind);
}

static void name(void) { say("m-name-dut-[tinykit " TK_BOARD_NAME "]"); }

static void profile(void)
{
    say("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    say("m-model-[" TK_MLPERF_MODEL "]");
}

static void timestamp(void) { say_number("m-lap-us-", tk_chip_time_us(), ""); }

static void help(void)
{
    say("name, profile, timestamp, help");
    say("db load N: expect N bytes");
    say("db HH..: load them");
    say("db print [N] [offset]: print what is loaded");
    say("infer [N=1] [W=10]: run N times after W warm-ups");
    say("results: print them again");
}

static void db_load(char *rest)
{
    uint32_t bytes;
    if (!tk_line_number(tk_line_word(&rest), TK_MLPERF_LOAD_BYTES, &bytes) || (bytes == 0)) {
        say_number("e-[Command 'db load' takes 1 to ", TK_MLPERF_LOAD_BYTES, " bytes]");
        return;
    }
    expected_bytes = bytes;
    loaded_bytes = 0;
    answered = false;
    say_number("m-[Expecting ", bytes, " bytes]");
}

// Without numbers everything that is loaded.
static void db_print(char *rest)
{
    uint32_t count = loaded_bytes;
    uint32_t at = 0;
    const char *const count_word = tk_line_word(&rest);
    const char *const offset_word = tk_line_word(&rest);
    if (((*count_word != '\0') && !tk_line_number(count_word, loaded_bytes, &count)) ||
        ((*offset_word != '\0') && !tk_line_number(offset_word, loaded_bytes - count, &at))) {
        say_number("e-[Command 'db print' reaches beyond the ", loaded_bytes, " bytes loaded]");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t column = i % BUFFER_BYTES_A_LINE;
        tk_text_put(column == 0 ? "m-buffer-" : "-");
        tk_text_hex(loaded[at + i], 2);
        if ((column == BUFFER_BYTES_A_LINE - 1u) || (i + 1u == count)) {
            tk_text_end();
        }
    }
}

// All or nothing.
static void db_bytes(char *digits)
{
    const tk_hex hex = tk_line_hex(digits);
    if (hex.error == TK_HEX_ODD) {
        say("e-[Insufficent number of hex digits]"); // spelled as the reference does
        return;
    }
    if (hex.error == TK_HEX_NO_DIGIT) {
        say("e-[Invalid hex digit]");
        return;
    }
    if (hex.count > expected_bytes - loaded_bytes) {
        say_number("e-[Command 'db' has more bytes than the ", expected_bytes - loaded_bytes,
                   " that are expected]");
        return;
    }
    for (uint32_t i = 0; i < hex.count; i++) {
        loaded[loaded_bytes++] = hex.bytes[i];
    }
    answered = false;
    if (loaded_bytes == expected_bytes) {
        say("m-load-done");
    }
}

static void db(char *rest)
{
    char *const word = tk_line_word(&rest);
    if (*word == '\0') {
        say("e-[Command 'db' requires a subcommand]");
    } else if (tk_line_is(word, "load")) {
        db_load(rest);
    } else if (tk_line_is(word, "print")) {
        db_print(rest);
    } else {
        db_bytes(word);
    }
}

static void results(void)
{
    if (!answered) {
        say("e-[No inference since the input was loaded]");
        return;
    }
    tk_text_put("m-results-[");
    for (uint32_t i = 0; i < TK_MLPERF_RESULTS; i++) {
        tk_text_put(i == 0 ? "" : ",");
        tk_text_float(tk_mlperf_result(loaded, i));
    }
    say("]");
}

// Each is guarded by the watchdog on its own.
static void infer_times(uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        tk_chip_feed();
        tk_mlperf_infer(loaded);
    }
}

static void run(uint32_t count, uint32_t warmups)
{
    if ((loaded_bytes != TK_MLPERF_LOAD_BYTES) || (expected_bytes != TK_MLPERF_LOAD_BYTES)) {
        tk_text_put("e-[Input has ");
        tk_text_number(loaded_bytes);
        say_number(" bytes, expected ", TK_MLPERF_LOAD_BYTES, "]");
        return;
    }
    say_number("m-warmup-start-", warmups, "");
    infer_times(warmups);
    say("m-warmup-done");
    say_number("m-infer-start-", count, "");
    timestamp();
    infer_times(count);
    timestamp();
    say("m-infer-done");
    answered = true;
    results();
}

static void infer(char *rest)
{
    uint32_t count = 1;
    uint32_t warmups = DEFAULT_WARMUPS;
    const char *const count_word = tk_line_word(&rest);
    const char *const warmups_word = tk_line_word(&rest);
    if ((*count_word != '\0') &&
        (!tk_line_number(count_word, MOST_INFERENCES, &count) || (count == 0))) {
        say_number("e-[Inference iterations must be >0 and at most ", MOST_INFERENCES, "]");
        return;
    }
    if ((*warmups_word != '\0') && !tk_line_number(warmups_word, MOST_INFERENCES, &warmups)) {
        say_number("e-[Inference warmup must be >=0 and at most ", MOST_INFERENCES, "]");
        return;
    }
    run(count, warmups);
}

static void unknown(const char *word)
{
    tk_text_put("e-[Unknown command: ");
    tk_text_quote(word);
    say("]");
}

static void obey(char *rest)
{
    char *const word = tk_line_word(&rest);
    if (*word == '\0') {
        say("e-[Empty command]");
    } else if (tk_line_is(word, "name")) {
        name();
    } else if (tk_line_is(word, "profile")) {
        profile();
    } else if (tk_line_is(word, "timestamp")) {
        timestamp();
    } else if (tk_line_is(word, "help")) {
        help();
    } else if (tk_line_is(word, "db")) {
        db(rest);
    } else if (tk_line_is(word, "infer")) {
        infer(rest);
    } else if (tk_line_is(word, "results")) {
        results();
    } else {
        unknown(word);
    }
}

static bool running; // it has answered once

bool tk_fault_report(const tk_fault *fault)
{
    tk_text_fault(fault);
    return running;
}

static void take(uint8_t byte)
{
    static tk_line line;
    const tk_line_status status = tk_line_feed(&line, byte);
    if (status == TK_LINE_PARTIAL) {
        return;
    }
    if (status == TK_LINE_WHOLE) {
        obey(line.text);
    } else {
        say_number("e-[Command longer than ", TK_LINE_CHARACTERS, " characters]");
    }
    say("m-ready");
    running = true;
}

// Nothing is said unasked: the runner would take a banner for the answer to its first command.
int main(void)
{
    for (;;) {
        tk_chip_feed();
        take(tk_chip_receive());
    }
}
