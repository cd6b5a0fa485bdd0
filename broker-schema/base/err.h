/* SPDX-License-Identifier: MIT */
/* Errors: one table of codes that also decides exit codes, and a caller-owned struct that
 * carries a sentence for the user. A function returns 0 or a negative code; the last,
 * optional argument `struct err *` receives the first error only, so that a clean-up that
 * fails too does not hide the cause. Outputs are untouched on failure. */
#ifndef LEAT_BASE_ERR_H
#define LEAT_BASE_ERR_H

/*        name       code exit  meaning */
#define LEAT_ERRORS(X)                                                                   \
    X(LEAT_OK, 0, 0, "done")                                                             \
    X(LEAT_ENO, -1, 1, "the answer is no")                                               \
    X(LEAT_EUSAGE, -2, 64, "wrong usage")                                                \
    X(LEAT_EDATA, -3, 65, "bad input")                                                   \
    X(LEAT_ELINK, -4, 69, "Redis unreachable")                                           \
    X(LEAT_EBUG, -5, 70, "internal error")                                               \
    X(LEAT_EBUSY, -6, 75, "not now, try later")                                          \
    X(LEAT_EDENIED, -7, 77, "refused")                                                   \
    X(LEAT_ECONFIG, -8, 78, "bad configuration")                                         \
    X(LEAT_ETIMEOUT, -9, 124, "time-out")                                                \
    X(LEAT_EFOREIGN, -10, 78, "a key of ours holds something else")                      \
    X(LEAT_EGAP, -11, 69, "Redis lost history")

enum leat_code {
#define X(name, code, exit, meaning) name = (code),
    LEAT_ERRORS(X)
#undef X
};

struct err {
    int code; /* LEAT_OK until the first err_set() */
    char text
        [480]; /* one sentence, no newline, says what to do where something can be done */
};

/* Record an error, unless one is recorded already, and return `code`. `err` may be NULL;
 * the text is cut at the size of the field, controls in it become `?`. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Exit status of a program that ends with `code`; 70 for a code not in the table. */
int err_exit_status(int code);

/* Short meaning of `code`, a constant string. */
const char *err_meaning(int code);

#endif
