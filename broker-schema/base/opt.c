/* SPDX-License-Identifier: MIT */
#include "base/opt.h"
#include "base/mem.h"
#include "base/text.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BASE = 0x1000 }; /* argp keys of the rows; above every short option */

struct parse {
    const struct opt_spec *spec;
    char *target;
    uint64_t given; /* a bit for each row */
};

static size_t row_total(const struct opt_spec *spec)
{
    return spec->row_count + spec->common_count;
}

const struct opt *opt_row(const struct opt_spec *spec, size_t i)
{
    if (i >= row_total(spec))
        return NULL;
    return i < spec->row_count ? &spec->rows[i] : &spec->common[i - spec->row_count];
}

/* Which row argp's key belongs to; row_total() for none. */
static size_t row_of_key(const struct opt_spec *spec, int key)
{
    size_t i = 0;
    for (const struct opt *row; (row = opt_row(spec, i)) != NULL; i++)
        if (key == KEY_BASE + (int)i || (row->letter != 0 && key == row->letter))
            break;
    return i;
}

/* ---- values ------------------------------------------------------------------------ */

static void write_bound(struct buf *out, enum opt_type type, int64_t bound)
{
    if (type == OPT_DURATION)
        text_duration(out, bound);
    else
        buf_addf(out, "%lld", (long long)bound);
}

static int refuse_number(const struct opt *row, const char *name, const char *reason,
                         const char *value, struct err *err)
{
    struct buf bounds = {0};
    write_bound(&bounds, row->type, row->min);
    buf_adds(&bounds, " to ");
    write_bound(&bounds, row->type, row->max);
    err_set(err, LEAT_EUSAGE, "%s %s: not '%.60s' (%s)", name, reason, value,
            buf_text(&bounds));
    buf_fini(&bounds);
    return LEAT_EUSAGE;
}

/* Written out and finite: strtod() alone also takes `inf`, `nan` and hexadecimal. */
static int read_decimal(const char *text, double *out)
{
    char *end;
    if (*text == '\0' || text[strspn(text, "-.0123456789")] != '\0')
        return -1;
    *out = strtod(text, &end);
    return *end == '\0' ? 0 : -1;
}

static int store_decimal(const struct opt *row, const char *name, const char *value,
                         double *field, struct err *err)
{
    double number;
    if (read_decimal(value, &number) != 0)
        return refuse_number(row, name, "needs a number", value, err);
    if (number < (double)row->min || number > (double)row->max)
        return refuse_number(row, name, "is out of bounds", value, err);
    if (field != NULL)
        *field = number;
    return LEAT_OK;
}

static int store_number(const struct opt *row, const char *name, const char *value,
                        int64_t *field, struct err *err)
{
    int64_t number;
    if (row->type == OPT_INT && text_to_int(bytes_of(value), &number) != 0)
        return refuse_number(row, name, "needs a whole number", value, err);
    if (row->type == OPT_DURATION && text_to_duration_ms(value, &number) != 0)
        return refuse_number(
            row, name, "needs a duration with its unit, such as 250ms, 10s, 5m or 2h",
            value, err);
    if (number < row->min || number > row->max)
        return refuse_number(row, name, "is out of bounds", value, err);
    if (field != NULL)
        *field = number;
    return LEAT_OK;
}

/* The words of "a|b|c" as "a, b or c". */
static void list_words(struct buf *out, const char *words)
{
    const char *last = strrchr(words, '|');
    for (const char *at = words; *at != '\0'; at++)
        if (*at == '|')
            buf_adds(out, at == last ? " or " : ", ");
        else
            buf_addc(out, *at);
}

static int check_word(const struct opt *row, const char *name, const char *value,
                      struct err *err)
{
    size_t len;
    for (const char *at = row->arg;; at += len + 1) {
        len = strcspn(at, "|");
        if (bytes_is((struct bytes){at, len}, value))
            return LEAT_OK;
        if (at[len] == '\0')
            break;
    }
    struct buf words = {0};
    list_words(&words, row->arg);
    err_set(err, LEAT_EUSAGE, "%s is %s, not '%.40s'", name, buf_text(&words), value);
    buf_fini(&words);
    return LEAT_EUSAGE;
}

static int check_text(const struct opt *row, const char *name, const char *value,
                      struct err *err)
{
    struct err why = {0};
    if (row->type == OPT_WORD)
        return check_word(row, name, value, err);
    if (row->check == NULL || row->check(value, &why) == LEAT_OK)
        return LEAT_OK;
    return err_set(err, why.code, "%s: %s", name, why.text);
}

static int store_item(struct opt_list *list, const char *name, const char *value,
                      struct err *err)
{
    if (list == NULL)
        return LEAT_OK;
    if (list->count == OPT_LIST_MAX)
        return err_set(err, LEAT_EUSAGE, "%s is given too often", name);
    list->at[list->count++] = value;
    return LEAT_OK;
}

int opt_store(const struct opt *row, const char *name, const char *value, void *target,
              struct err *err)
{
    void *field = target != NULL ? (char *)target + row->offset : NULL;
    if (row->type == OPT_INT || row->type == OPT_DURATION)
        return store_number(row, name, value, field, err);
    if (row->type == OPT_NUMBER)
        return store_decimal(row, name, value, field, err);
    if (value != NULL && check_text(row, name, value, err) != LEAT_OK)
        return LEAT_EUSAGE;
    if (row->type == OPT_LIST)
        return store_item(field, name, value, err);
    if (field == NULL)
        return LEAT_OK;
    if (row->type == OPT_FLAG)
        *(int *)field = 1;
    else
        *(const char **)field = value != NULL ? value : "";
    return LEAT_OK;
}

/* ---- the command line -------------------------------------------------------------- */

static void take(struct parse *parse, size_t i, const char *value,
                 struct argp_state *state)
{
    struct err err = {0};
    const struct opt *row = opt_row(parse->spec, i);
    char name[64];
    snprintf(name, sizeof name, "--%s", row->name);
    if (opt_store(row, name, value, parse->target, &err) != LEAT_OK)
        argp_failure(state, 64, 0, "%s", err.text); /* the sentence is help enough */
    parse->given |= UINT64_C(1) << i;
}

static error_t on_key(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    const struct opt_spec *spec = parse->spec;
    struct opt_list *words =
        (struct opt_list *)(void *)(parse->target + spec->words_offset);
    size_t i = row_of_key(spec, key);
    if (i < row_total(spec)) {
        take(parse, i, value, state);
        return 0;
    }
    switch (key) {
    case 'h': argp_state_help(state, stdout, ARGP_HELP_STD_HELP); return 0;
    case ARGP_KEY_ARG:
        /* Without words the target has no list to look at. */
        if (spec->words_max == 0 || words->count >= spec->words_max ||
            words->count == OPT_LIST_MAX)
            argp_error(state, "unexpected argument '%s'", value);
        words->at[words->count++] = value;
        return 0;
    case ARGP_KEY_END:
        if (spec->words_max > 0 && words->count < spec->words_min)
            argp_error(state, "an argument is missing: %s", spec->usage);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

void opt_defaults(const struct opt_spec *spec, void *target)
{
    size_t i = 0;
    for (const struct opt *row; (row = opt_row(spec, i)) != NULL; i++)
        if (row->initial != NULL && opt_store(row, "", row->initial, target, NULL))
            abort(); /* the table contradicts itself */
}

static char *help_of(struct arena *arena, const struct opt *row)
{
    if (row->initial == NULL)
        return arena_dup(arena, bytes_of(row->help));
    return arena_printf(arena, "%s (default %s)", row->help, row->initial);
}

/* ---- for programs ------------------------------------------------------------------ */

/* One record for each line of the text from `at` to `end`. */
static void describe_lines(const char *kind, const char *at, const char *end)
{
    while (at < end) {
        int len = (int)strcspn(at, "\n\v");
        printf("%s\t%.*s\n", kind, len, at);
        at += len + 1;
    }
}

/* What follows the option's name, as --help shows it. */
static const char *arg_of(struct arena *arena, const struct opt *row)
{
    if (row->type == OPT_FLAG)
        return "";
    return arena_printf(arena, row->type == OPT_CHOICE ? "[=%s]" : "=%s", row->arg);
}

static void describe_row(const char *kind, const struct opt *row)
{
    struct arena arena = {0};
    char letter[] = {row->letter ? '-' : '\0', row->letter, '\0'};
    printf("%s\t--%s\t%s\t%s\t%s\n", kind, row->name, letter, arg_of(&arena, row),
           help_of(&arena, row));
    arena_fini(&arena);
}

static void describe(const struct opt_spec *spec)
{
    const char *about_end = spec->about + strcspn(spec->about, "\v");
    if (spec->usage == NULL || spec->usage[0] == '\0')
        puts("usage\t");
    else
        describe_lines("usage", spec->usage, strchr(spec->usage, '\0'));
    describe_lines("about", spec->about, about_end);
    describe_lines("note", about_end + (*about_end == '\v'), strchr(about_end, '\0'));
    for (size_t i = 0; i < row_total(spec); i++)
        describe_row(i < spec->row_count ? "option" : "shared", opt_row(spec, i));
    puts("shared\t--help\t-?\t\tGive this help list\n"
         "shared\t--usage\t\t\tGive a short usage message");
}

int opt_parse(const struct opt_spec *spec, int argc, char **argv, void *target)
{
    uint64_t unused;
    return opt_parse_noting(spec, argc, argv, target, &unused);
}

int opt_parse_noting(const struct opt_spec *spec, int argc, char **argv, void *target,
                     uint64_t *given)
{
    if (argc == 2 && strcmp(argv[1], "--describe") == 0) {
        describe(spec);
        exit(0);
    }
    struct arena arena = {0};
    size_t count = row_total(spec);
    struct argp_option *options = arena_alloc(&arena, (count + 2) * sizeof *options);
    memset(options, 0, (count + 2) * sizeof *options);
    for (size_t i = 0; i < count; i++) {
        const struct opt *row = opt_row(spec, i);
        options[i] = (struct argp_option){
            .name = row->name,
            .key = row->letter ? row->letter : KEY_BASE + (int)i,
            .arg = row->type == OPT_FLAG ? NULL : row->arg,
            .flags = row->type == OPT_CHOICE ? OPTION_ARG_OPTIONAL : 0,
            .doc = help_of(&arena, row),
            .group = i < spec->row_count ? 1 : 2,
        };
    }
    options[count] =
        (struct argp_option){.key = 'h', .flags = OPTION_HIDDEN, .name = "h"};
    struct argp argp = {options, on_key, spec->usage, spec->about, NULL, NULL, NULL};
    struct parse parse = {spec, target, 0};
    opt_defaults(spec, target);
    argp_err_exit_status = 64;
    int failed = argp_parse(&argp, argc, argv, 0, NULL, &parse);
    arena_fini(&arena);
    *given = parse.given;
    return failed ? -1 : 0;
}
