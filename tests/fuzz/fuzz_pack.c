/* SPDX-License-Identifier: MIT */
/* Strings of a packed body lie within it, one behind the other; a failure is final. */
#include "fuzz.h"
#include "schema/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes packed = input_of(data, size), text;
    struct pack_reader reader;
    if (pack_open(&reader, packed) != 0)
        return 0;
    uint32_t count = reader.left, taken = 0;
    const char *behind = packed.at;
    while (pack_next(&reader, &text) == 0) {
        MUST(text.at > behind && text.at + text.len <= packed.at + packed.len);
        behind = text.at + text.len;
        taken++;
    }
    MUST(taken + reader.left == count);
    MUST(pack_next(&reader, &text) == -1);
    return 0;
}
