/* SPDX-License-Identifier: MIT */
#include "sized.h"

#include <string.h>

enum { SIZE_MAX_BYTES = 4096 };

static int is_zero(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != 0)
            return 0;
    return 1;
}

int sized_read(void *to, size_t known, const void *from, const char *name,
               struct err *err)
{
    size_t given;
    memcpy(&given, from, sizeof given);
    if (given < sizeof given || given > SIZE_MAX_BYTES)
        return err_set(err, LEAT_EUSAGE, "the size of struct %s is not set", name);
    if (given > known && !is_zero((const char *)from + known, given - known))
        return err_set(err, LEAT_EUSAGE,
                       "struct %s has fields that this version of libleat does not know",
                       name);
    memset(to, 0, known);
    memcpy(to, from, given < known ? given : known);
    return LEAT_OK;
}
