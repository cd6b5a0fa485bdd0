/* SPDX-License-Identifier: MIT */
#include "schema/uuid.h"
#include "base/rnd.h"

#include <string.h>

enum { COUNTER_MAX = 0xfff, RANDOM_BYTES = 8 };

static void take_random(struct uuid_maker *maker, unsigned char out[RANDOM_BYTES])
{
    if (maker->pool_left < RANDOM_BYTES) {
        rnd_fill(maker->pool, sizeof maker->pool);
        maker->pool_left = sizeof maker->pool;
    }
    maker->pool_left -= RANDOM_BYTES;
    memcpy(out, maker->pool + maker->pool_left, RANDOM_BYTES);
}

/* Time and counter never go back, even when the wall clock does. */
static void advance(struct uuid_maker *maker, int64_t now_ms)
{
    if (now_ms > maker->at_ms) {
        maker->at_ms = now_ms;
        maker->counter = 0;
    } else if (maker->counter++ == COUNTER_MAX) {
        maker->at_ms++;
        maker->counter = 0;
    }
}

void uuid_make(struct uuid_maker *maker, int64_t now_ms, char out[UUID_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[16];
    advance(maker, now_ms);
    for (int i = 0; i < 6; i++)
        raw[i] = (unsigned char)(maker->at_ms >> (40 - 8 * i));
    raw[6] = (unsigned char)(0x70 | maker->counter >> 8);
    raw[7] = (unsigned char)maker->counter;
    take_random(maker, raw + 8);
    raw[8] = (unsigned char)(0x80 | (raw[8] & 0x3f));
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[raw[i] >> 4];
        *out++ = digits[raw[i] & 15];
    }
    *out = '\0';
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int64_t uuid_time_ms(struct bytes id)
{
    if (id.len != UUID_CHARS || id.at[14] != '7' ||
        memchr("89abAB", id.at[19], 6) == NULL)
        return -1;
    int64_t ms = 0;
    for (int i = 0; i < UUID_CHARS; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;
        int digit = digit_of(id.at[i]);
        if (dash ? id.at[i] != '-' : digit < 0)
            return -1;
        if (!dash && i < 13)
            ms = ms << 4 | digit;
    }
    return ms;
}
