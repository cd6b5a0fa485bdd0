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
};

static const struct opt *row_at(const struct opt_spec *spec, size_t i)
{
    return i < spec->row_count ? &spec->rows[i] : &spec->common[i - spec->row_count];
}

static size_t row_total(const struct opt_spec *spec)
{
    return spec->row_count + spec->common_count;
}

static const struct opt *row_of_key(const struct opt_spec *spec, int key)
{
    for (size_t i = 0; i < row_total(spec); i++) {
        const struct opt *row = row_at(spec, i);
        if (key == KEY_BASE + (int)i || (row->letter != 0 && key == row->letter))
            return row;
    }
    return NULL;
}

/* What is wrong with `value` for this row, or NULL after it was stored. */
static const char *store(const struct opt *row, char *target, const char *value)
{
    void *field = target + row->offset;
    struct opt_list *list = field;
    int64_t number = 0;
    switch (row->type) {
    case OPT_FLAG: *(int *)field = 1; return NULL;
    case OPT_TEXT: *(const char **)field = value; return NULL;
    case OPT_CHOICE: *(const char **)field = value != NULL ? value : ""; return NULL;
    case OPT_LIST:
        if (list->count == OPT_LIST_MAX)
            return "is given too often";
        list->at[list->count++] = value;
        return NULL;
    case OPT_INT:
        if (text_to_int(bytes_of(value), &number) != 0)
            return "needs a whole number";
        break;
    case OPT_DURATION:
        if (text_to_duration_ms(value, &number) != 0)
            return "needs a duration with its unit, such as 250ms, 10s, 5m or 2h";
        break;
    }
    if (number < row->min || number > row->max)
        return "is out of bounds";
    *(int64_t *)field = number;
    return NULL;
}

static void write_bound(struct buf *out, enum opt_type type, int64_t bound)
{
    if (type == OPT_DURATION)
        text_duration(out, bound);
    else
        buf_addf(out, "%lld", (long long)bound);
}

static void refuse(struct argp_state *state, const struct opt *row, const char *value,
                   const char *reason)
{
    struct buf bounds = {0};
    if (row->type == OPT_INT || row->type == OPT_DURATION) {
        buf_addf(&bounds, ": not '%s' (", value);
        write_bound(&bounds, row->type, row->min);
        buf_adds(&bounds, " to ");
        write_bound(&bounds, row->type, row->max);
        buf_addc(&bounds, ')');
    }
    argp_error(state, "--%s %s%s", row->name, reason, buf_text(&bounds));
    buf_fini(&bounds);
}

static error_t on_key(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    const struct opt_spec *spec = parse->spec;
    struct opt_list *words =
        (struct opt_list *)(void *)(parse->target + spec->words_offset);
    const struct opt *row = row_of_key(spec, key);
    if (row != NULL) {
        const char *reason = store(row, parse->target, value);
        if (reason != NULL)
            refuse(state, row, value, reason);
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

static void set_defaults(const struct opt_spec *spec, char *target)
{
    for (size_t i = 0; i < row_total(spec); i++)
        if (row_at(spec, i)->initial != NULL &&
            store(row_at(spec, i), target, row_at(spec, i)->initial))
            abort(); /* the table contradicts itself */
}

static char *help_of(struct arena *arena, const struct opt *row)
{
    if (row->initial == NULL)
        return arena_dup(arena, bytes_of(row->help));
    return arena_printf(arena, "%s (default %s)", row->help, row->initial);
}

/* ---- for programs ------------------------------------------------------------------- */

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
        describe_row(i < spec->row_count ? "option" : "shared", row_at(spec, i));
    puts("shared\t--help\t-?\t\tGive this help list\n"
         "shared\t--usage\t\t\tGive a short usage message");
}

int opt_parse(const struct opt_spec *spec, int argc, char **argv, void *target)
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
        const struct opt *row = row_at(spec, i);
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
    struct parse parse = {spec, target};
    set_defaults(spec, target);
    argp_err_exit_status = 64;
    int failed = argp_parse(&argp, argc, argv, 0, NULL, &parse);
    arena_fini(&arena);
    return failed ? -1 : 0;
}
