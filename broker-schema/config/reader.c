/* SPDX-License-Identifier: MIT */
/* libConfuse's options are made from our rows, all of them as texts: what a text must be
 * the row itself says, so that a key is judged as the option is, and by the same words.
 * Values are noted while they are read, since only then libConfuse knows their lines. */
#include "config/reader.h"
#include "base/buf.h"
#include "config/options.h"
#include "config/scan.h"

#include <assert.h>
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { KEYS_MAX = 24 }; /* in one section */

struct reader {
    struct config *config;
    const char *file;
    struct err *err;
};

static const struct section {
    const char *name;
    cfg_flag_t flags;
} sections[] = {
    {"log", CFGF_NONE},
    {"worker", CFGF_NONE},
    {"dashboard", CFGF_NONE},
    {"queue", CFGF_TITLE | CFGF_MULTI},
    {"retry", CFGF_TITLE | CFGF_MULTI},
    /* Its keys belong together: what a second one adds was meant for another type. */
    {"handler", CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES},
};

/* Only the rows of their own: what they share is the first. */
static const struct opt_spec *const specs[] = {
    &program_spec, &reading_spec, &worker_spec,  &dashboard_spec,
    &queue_spec,   &retry_spec,   &handler_spec, NULL};

/* ---- noting ------------------------------------------------------------------------ */

/* Callbacks get no argument of ours; each option carries it instead of a default. */
static struct reader *reader_of(const cfg_opt_t *opt)
{
    return (struct reader *)
        opt->def.number; /* NOLINT: libConfuse has no pointer for us */
}

static const char *section_of(const cfg_t *cfg)
{
    return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

static const char *title_of(const cfg_t *cfg)
{
    return cfg->title != NULL ? cfg->title : "";
}

/* A row's key as it is written in that section; NULL when it belongs elsewhere. */
static const char *key_within(const struct opt *row, const char *section)
{
    size_t len = strlen(section);
    if (row->key == NULL)
        return NULL;
    if (len == 0)
        return strchr(row->key, '.') == NULL ? row->key : NULL;
    return strncmp(row->key, section, len) == 0 && row->key[len] == '.'
               ? row->key + len + 1
               : NULL;
}

static const struct opt *find_row(const char *section, const char *name)
{
    for (const struct opt_spec *const *spec = specs; *spec != NULL; spec++)
        for (size_t i = 0; i < (*spec)->row_count; i++) {
            const char *key = key_within(&(*spec)->rows[i], section);
            if (key != NULL && strcmp(key, name) == 0)
                return &(*spec)->rows[i];
        }
    return NULL;
}

static int is_entry(const struct config_entry *entry, const struct opt *row,
                    const cfg_t *cfg)
{
    return entry->row == row && strcmp(entry->section, section_of(cfg)) == 0 &&
           strcmp(entry->title, title_of(cfg)) == 0;
}

/* The entry of a row in a section, or of the section itself; a new one at the end. */
static struct config_entry *note(struct reader *reader, const struct opt *row,
                                 const cfg_t *cfg)
{
    struct arena *arena = &reader->config->arena;
    struct config_entry **at = &reader->config->entries, *entry;
    while (*at != NULL && !is_entry(*at, row, cfg))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = arena_alloc(arena, sizeof **at);
        **at =
            (struct config_entry){.row = row,
                                  .section = arena_dup(arena, bytes_of(section_of(cfg))),
                                  .title = arena_dup(arena, bytes_of(title_of(cfg)))};
    }
    entry = *at;
    entry->file = reader->file;
    entry->line = cfg->line;
    return entry;
}

static void forget_values(struct config_entry *entry)
{
    entry->values = NULL;
    entry->values_end = &entry->values;
}

static void add_value(struct reader *reader, struct config_entry *entry, const char *text)
{
    struct arena *arena = &reader->config->arena;
    struct config_value *value = arena_alloc(arena, sizeof *value);
    *value = (struct config_value){.text = arena_dup(arena, bytes_of(text))};
    *entry->values_end = value;
    entry->values_end = &value->next;
}

/* ---- what libConfuse calls --------------------------------------------------------- */

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct reader *reader = reader_of(opt);
    const struct opt *row = find_row(section_of(cfg), opt->name);
    struct err why = {0};
    if (row == NULL) { /* a quoted "worker|lease": libConfuse knows paths, we do not */
        cfg_error(cfg, "no such option '%s'", opt->name);
        return -1;
    }
    if (opt->nvalues > OPT_LIST_MAX)
        err_set(&why, LEAT_ECONFIG, "%s has more than %d values", row->key, OPT_LIST_MAX);
    if (why.code != LEAT_OK || opt_store(row, row->key, value, NULL, &why) != LEAT_OK) {
        cfg_error(cfg, "%s", why.text);
        return -1;
    }
    struct config_entry *entry = note(reader, row, cfg);
    if (opt->nvalues == 1)
        forget_values(entry);
    add_value(reader, entry, value);
    *(const char **)result = value;
    return 0;
}

/* A section ended; it is the last of its name, or was there before. */
static int on_title(cfg_t *cfg, cfg_opt_t *opt)
{
    (void)cfg;
    const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    note(reader_of(section->opts), NULL, section);
    return 0;
}

static void list_keys(struct buf *out, const cfg_t *cfg)
{
    for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
        if (opt > cfg->opts)
            buf_adds(out, opt[1].name != NULL ? ", " : " and ");
        buf_adds(out, opt->name);
    }
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct reader *reader = reader_of(cfg->opts);
    const char *section = section_of(cfg);
    char what[400];
    struct buf known = {0};
    vsnprintf(what, sizeof what, format, args);
    if (strncmp(what, "no such option", strlen("no such option")) == 0) {
        buf_adds(&known, *section != '\0' ? "; '" : "; there are ");
        if (*section != '\0')
            buf_addf(&known, "%s' has ", section);
        list_keys(&known, cfg);
    }
    if (strncmp(what, "found duplicate", strlen("found duplicate")) == 0)
        buf_adds(&known, "; put all that is said of it into one section");
    err_set(reader->err, LEAT_ECONFIG, "%s:%d: %.300s%s", reader->file, cfg->line, what,
            buf_text(&known));
    buf_fini(&known);
}

/* ---- libConfuse's tables ----------------------------------------------------------- */

static cfg_opt_t option_of(struct reader *reader, const struct opt *row, const char *name)
{
    cfg_opt_t text = CFG_STR_CB(name, NULL, CFGF_NODEFAULT, on_value);
    cfg_opt_t list = CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value);
    cfg_opt_t option = row->type == OPT_LIST ? list : text;
    option.def.number = (long)reader; /* NOLINT */
    return option;
}

/* Write the keys of a section; returns the end. */
static cfg_opt_t *add_keys(cfg_opt_t *at, struct reader *reader, const char *section)
{
    cfg_opt_t *first = at;
    for (const struct opt_spec *const *spec = specs; *spec != NULL; spec++)
        for (size_t i = 0; i < (*spec)->row_count; i++) {
            const char *key = key_within(&(*spec)->rows[i], section);
            if (key == NULL)
                continue;
            assert(at - first < KEYS_MAX);
            *at++ = option_of(reader, &(*spec)->rows[i], key);
        }
    *at = (cfg_opt_t)CFG_END();
    return at;
}

static cfg_t *open_tables(struct reader *reader)
{
    cfg_opt_t root[KEYS_MAX + COUNT(sections) + 1], keys[COUNT(sections)][KEYS_MAX + 1];
    cfg_opt_t *at = add_keys(root, reader, "");
    for (size_t i = 0; i < COUNT(sections); i++) {
        add_keys(keys[i], reader, sections[i].name);
        *at = (cfg_opt_t)CFG_SEC(sections[i].name, keys[i], sections[i].flags);
        if (sections[i].flags != CFGF_NONE)
            at->validcb = on_title;
        at++;
    }
    *at = (cfg_opt_t)CFG_END();
    cfg_t *cfg = cfg_init(root, CFGF_NONE); /* copies them all */
    if (cfg == NULL)
        abort(); /* out of memory */
    cfg_set_error_function(cfg, on_error);
    return cfg;
}

/* ---- one text ---------------------------------------------------------------------- */

/* `key = {}` has no value that on_value() could have noted. */
static void note_emptied(struct reader *reader, cfg_t *section)
{
    for (cfg_opt_t *opt = section->opts; opt->name != NULL; opt++)
        if ((opt->flags & CFGF_LIST) && (opt->flags & CFGF_MODIFIED) && opt->nvalues == 0)
            forget_values(
                note(reader, find_row(section_of(section), opt->name), section));
}

static void note_all_emptied(struct reader *reader, cfg_t *root)
{
    note_emptied(reader, root);
    for (cfg_opt_t *opt = root->opts; opt->name != NULL; opt++)
        for (unsigned i = 0; opt->type == CFGT_SEC && i < opt->nvalues; i++)
            note_emptied(reader, cfg_opt_getnsec(opt, i));
}

/* How far it got: libConfuse gives up at a key of "" without a word. */
static int last_line(cfg_t *root)
{
    int line = root->line;
    for (cfg_opt_t *opt = root->opts; opt->name != NULL; opt++)
        for (unsigned i = 0; opt->type == CFGT_SEC && i < opt->nvalues; i++) {
            int its = cfg_opt_getnsec(opt, i)->line;
            line = its > line ? its : line;
        }
    return line;
}

int reader_read(struct config *config, const char *file, struct bytes text,
                struct err *err)
{
    struct err why = {0};
    struct reader reader = {config, file, &why};
    char *copy = xstrndup(text.at, text.len);
    int code = scan_text(copy, text.len, file, &why);
    if (code == LEAT_OK) {
        cfg_t *cfg = open_tables(&reader);
        if (cfg_parse_buf(cfg, copy) != CFG_SUCCESS)
            code = err_set(&why, LEAT_ECONFIG, "%s:%d: this is not understood", file,
                           last_line(cfg));
        else
            note_all_emptied(&reader, cfg);
        cfg_free(cfg);
    }
    free(copy);
    return code == LEAT_OK ? code : err_set(err, LEAT_ECONFIG, "%s", why.text);
}
