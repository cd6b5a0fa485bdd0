/* SPDX-License-Identifier: MIT */
/* Structs of the C library that begin with their size: what an older header knows is
 * taken over and the rest is zero, what a newer one knows must be unset. The first byte
 * of the input is how much of the struct this library knows, the rest is the struct as
 * the caller gave it. */
#include "fuzz.h"
#include "producer/sized.h"

#include <string.h>

enum { BYTES_MAX = 256 };

static void check_taken(const char *to, size_t known, struct bytes given)
{
    size_t common = given.len < known ? given.len : known;
    MUST(memcmp(to, given.at, common) == 0);
    for (size_t i = common; i < known; i++)
        MUST(to[i] == '\0');
    for (size_t i = common; i < given.len; i++)
        MUST(given.at[i] == '\0');
}

/* A caller may lie about the size, but not claim memory that is not his. */
static size_t size_of(char *from, size_t len)
{
    size_t said;
    memcpy(&said, from, sizeof said);
    if (said > len)
        memcpy(from, &len, sizeof len);
    return said > len ? len : said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char to[BYTES_MAX], untouched[BYTES_MAX];
    struct err err = {0};
    if (size < 1 + sizeof size || size > BYTES_MAX)
        return 0;
    size_t known = data[0] < sizeof size ? sizeof size : data[0];
    char *from = xstrndup((const char *)data + 1, size - 1);
    struct bytes given = {from, size_of(from, size - 1)};
    memset(to, 'x', sizeof to);
    memcpy(untouched, to, sizeof to);
    if (sized_read(to, known, from, "leat_job", &err) == LEAT_OK)
        check_taken(to, known, given);
    else
        MUST(err.code == LEAT_EUSAGE && memcmp(to, untouched, sizeof to) == 0);
    MUST(err.code == LEAT_OK || given.len < sizeof size || given.len > known);
    MUST(memcmp(to + known, untouched + known, sizeof to - known) == 0);
    free(from);
    return 0;
}
