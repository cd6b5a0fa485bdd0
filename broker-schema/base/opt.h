/* SPDX-License-Identifier: MIT */
/* Command-line options as tables: one row holds an option's name, type, default, bounds
 * and help, and names the field of the caller's struct that takes the value. Parser,
 * --help and usage come from the rows (through argp), manual pages and completions too
 * (through --describe), so adding an option is one row and its use. A row that has a key
 * can be set in a configuration file as well, whose reader takes it from the same row. A
 * wrong option prints what is wrong and exits with 64. */
#ifndef LEAT_BASE_OPT_H
#define LEAT_BASE_OPT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*   type          field in the caller's struct */
enum opt_type {
    OPT_FLAG,     /* int: 1 when given */
    OPT_TEXT,     /* const char *: borrowed from argv */
    OPT_WORD,     /* const char *: the same, one of the words in `arg` */
    OPT_INT,      /* int64_t, within [min, max] */
    OPT_DURATION, /* int64_t in milliseconds, within [min, max] */
    OPT_NUMBER,   /* double, within [min, max] */
    OPT_LIST,     /* struct opt_list: may be repeated */
    OPT_CHOICE, /* const char *: as OPT_TEXT, but the value may be left out: `--x[=Y]` */
};

enum { OPT_LIST_MAX = 256 };

struct opt_list {
    const char *at[OPT_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

struct opt {
    const char *name; /* long name without dashes */
    char letter;      /* short name, or 0 */
    enum opt_type type;
    size_t offset; /* of the field in the caller's struct */
    /* Name of the value in --help, in capitals; or the words it may be: "dead|bad". NULL
     * for a flag. */
    const char *arg;
    const char *initial; /* default, as people type it; NULL: all zeros */
    int64_t min, max;    /* bounds of a number or a duration */
    const char *help;
    /* In a configuration file: "SECTION.KEY", or "KEY" outside of all sections. NULL: it
     * is only an option. */
    const char *key;
    /* What else a text, or each of a list, must be; NULL: anything. The sentence in `err`
     * stands behind the option's name. */
    int (*check)(const char *value, struct err *err);
};

struct opt_spec {
    const char *usage; /* what follows the options, e.g. "TYPE [key=value]..." */
    const char *about; /* one paragraph; after a \v, what stands below the options */
    const struct opt *rows;
    size_t row_count;
    const struct opt *common; /* rows that several commands share; may be NULL */
    size_t common_count;
    size_t words_offset; /* struct opt_list that takes the words that are no options */
    size_t words_min, words_max; /* words_max 0: none are taken, words_offset is unused */
};

/* Parse `argv[1…]` into `target`, which the defaults are written to first. `argv[0]` is
 * the name shown in messages. Returns 0; does not return on --help or a usage error.
 * `--describe` alone prints the spec for programs instead and exits with 0: lines of a
 * word that says what it is, and fields with tabs between them:
 *   usage   what follows the options; one line for each way
 *   about   a paragraph; `note`: one that stands below the options
 *   option  --NAME, -LETTER or nothing, what follows the name as in "=QUEUE", help
 *   shared  as option, for a row of `common` and those that every program has */
int opt_parse(const struct opt_spec *spec, int argc, char **argv, void *target);

/* The same, and set a bit in `*given` for each row that the command line had: 1 << 0 for
 * the first of `rows`; those of `common` count on behind them. At most 64 rows. */
int opt_parse_noting(const struct opt_spec *spec, int argc, char **argv, void *target,
                     uint64_t *given);

/* Write the defaults of the rows that have one to their fields. */
void opt_defaults(const struct opt_spec *spec, void *target);

/* Store a value that came from elsewhere in the row's field of `target`, as the command
 * line would; a text is borrowed. With a `target` of NULL it is only looked at. `name`
 * begins the sentence in `err`. Errors: LEAT_EUSAGE, and what the row's check says. */
int opt_store(const struct opt *row, const char *name, const char *value, void *target,
              struct err *err);

/* The row at `i` of `rows` and `common`; NULL behind the last. */
const struct opt *opt_row(const struct opt_spec *spec, size_t i);

#endif
