/* SPDX-License-Identifier: MIT */
#include "base/rnd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rnd_fill(void *memory, size_t len)
{
    char *at = memory;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

uint64_t rnd_below(uint64_t bound)
{
    uint64_t number;
    rnd_fill(&number, sizeof number);
    return bound ? number % bound : 0;
}

void rnd_id(char out[RND_ID_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[RND_ID_CHARS / 2];
    rnd_fill(raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[RND_ID_CHARS] = '\0';
}
