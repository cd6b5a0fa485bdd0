/* SPDX-License-Identifier: MIT */
/* What the fuzzers share: a broken promise aborts, also where asserts are off. */
#ifndef LEAT_TESTS_FUZZ_H
#define LEAT_TESTS_FUZZ_H

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(truth)                                                                      \
    do {                                                                                 \
        if (!(truth)) {                                                                  \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #truth);          \
            abort();                                                                     \
        }                                                                                \
    } while (0)

/* The entry point that libFuzzer calls with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct bytes input_of(const uint8_t *data, size_t size)
{
    return (struct bytes){(const char *)data, size};
}

/* Does a piece lie within another? */
static inline int is_within(struct bytes piece, struct bytes whole)
{
    return piece.len == 0 ||
           (piece.at >= whole.at && piece.at + piece.len <= whole.at + whole.len);
}

#endif
