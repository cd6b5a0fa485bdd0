/* SPDX-License-Identifier: MIT */
/* The log: one event a line on stderr, as logfmt (`ts=… level=… pid=… msg="…" key=value`)
 * or as a JSON object with the same fields. Only programs log above debug; the libraries
 * return errors. `msg` is a constant text, what varies goes into fields, so that lines
 * can be counted and searched; docs/logs.md lists both.
 *
 *     log_warn("redis lost", log_text("url", url), log_text("err", why));
 *
 * Values are any bytes: they are quoted and escaped here, as JSON strings are, in both
 * formats. A value longer than LOG_VALUE_BYTES is cut, and a field that would make the
 * line longer than LOG_LINE_BYTES is left out, so that a line is one write which no other
 * process' line can break into. Below the level nothing of a line is evaluated. */
#ifndef LEAT_BASE_LOG_H
#define LEAT_BASE_LOG_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LOG_VALUE_BYTES = 480, /* as long as the text of a struct err */
    LOG_LINE_BYTES = 4096, /* PIPE_BUF: what a pipe takes in one piece */
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char *name; /* NULL: there is nothing to tell */
    int is_number;
    int64_t number;
    struct bytes text;
};

/* Show lines of `level` and above; LOG_INFO at the start. */
void log_set_level(enum log_level level);

/* How lines are written; LOG_LOGFMT at the start. */
void log_set_format(enum log_format format);

/* Read the name of a level, of a format; -1 for a word that is none. */
int log_level_parse(const char *name);
int log_format_parse(const char *name);

/* Are lines of this level shown? For what takes time to put together. */
int log_shows(enum log_level level);

/* A field with a text, with bytes, with a number. They borrow until the line is
 * written. */
struct log_field log_text(const char *name, const char *text);
struct log_field log_bytes(const char *name, struct bytes text);
struct log_field log_number(const char *name, int64_t number);

/* The same, left out when there is nothing to tell: an empty text. */
struct log_field log_known(const char *name, struct bytes text);

/* Write one line, whatever the level that is shown. */
void log_line(enum log_level level, const char *msg, const struct log_field *fields,
              size_t count);

/* One line with at least one field. */
#define LOG_AT(level, msg, ...)                                                          \
    do {                                                                                 \
        if (log_shows(level)) {                                                          \
            const struct log_field log_fields_[] = {__VA_ARGS__};                        \
            log_line(level, msg, log_fields_, sizeof log_fields_ / sizeof *log_fields_); \
        }                                                                                \
    } while (0)

#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)

#endif
