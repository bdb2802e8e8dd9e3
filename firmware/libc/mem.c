// The four functions that compilers call on their own.
//
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>

// GCC would turn the loops below into calls of the functions that they are; clang does not when
// freestanding.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

typedef uint32_t __attribute__((may_alias)) word;

static int word_aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) % sizeof(word)) == 0;
}

// Copies upward, which is also right where `to` lies below `from`.
static void *forward(uint8_t *to, const uint8_t *from, size_t bytes)
{
    uint8_t *t = to;
    if (word_aligned(to, from)) {
        for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
            *(word *)(void *)t = *(const word *)(const void *)from;
            t += sizeof(word);
            from += sizeof(word);
        }
    }
    while (bytes-- > 0) {
        *t++ = *from++;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    return forward(to, from, bytes);
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t < (uintptr_t)f || (uintptr_t)t - (uintptr_t)f >= bytes) {
        return forward(t, f, bytes);
    }
    while (bytes-- > 0) {
        t[bytes] = f[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *t = to;
    if (word_aligned(t, t)) {
        const word words = (uint8_t)value * UINT32_C(0x01010101);
        for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
            *(word *)(void *)t = words;
            t += sizeof(word);
        }
    }
    while (bytes-- > 0) {
        *t++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; bytes > 0; bytes--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}
