/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    int code;
    int exit_status;
    const char *meaning;
} table[] = {
#define X(name, code, exit, meaning) {code, exit, meaning},
    LEAT_ERRORS(X)
#undef X
};

/* One line, whatever was quoted: the text goes to logs, terminals and headers. */
static void drop_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

int err_set(struct err *err, int code, const char *format, ...)
{
    if (err == NULL || err->code != LEAT_OK)
        return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    drop_controls(err->text);
    return code;
}

int err_exit_status(int code)
{
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].exit_status;
    return 70;
}

const char *err_meaning(int code)
{
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].meaning;
    return "unknown error";
}
