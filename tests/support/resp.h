/* SPDX-License-Identifier: MIT */
/* Where messages end in what Redis and its clients say (RESP 2), seen byte by byte. */
#ifndef LEAT_TESTS_SUPPORT_RESP_H
#define LEAT_TESTS_SUPPORT_RESP_H

#include <stdint.h>

/* Zeroed: at the beginning of a stream. */
struct resp {
    char type;      /* of the line being read; 0: none is */
    int negative;   /* its number is */
    int64_t number; /* its number so far */
    int64_t bulk;   /* bytes still to come of a bulk text, its line break included */
    int64_t due;    /* values that the message still lacks */
};

/* See one byte. Returns 1 when it is the last of a message. */
int resp_see(struct resp *resp, char byte);

#endif
