/* SPDX-License-Identifier: MIT */
/* The log: one event a line on stderr, as logfmt (`ts=… level=… msg="…" key=value`). Only
 * programs log above debug; the libraries return errors. `msg` is a constant text, what
 * varies goes into fields, so that lines can be counted and searched. */
#ifndef LEAT_BASE_LOG_H
#define LEAT_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Show lines of `level` and above; LOG_INFO at the start. */
void log_set_level(enum log_level level);

/* Read a level's name; -1 for a word that is none. */
int log_level_parse(const char *name);

/* Write one line. `fields` is a printf format that yields ` key=value …` or "". */
void log_line(enum log_level level, const char *msg, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

/* Escape `text` for a logfmt value with quotes; cut at the size of `out`. Returns `out`. */
const char *log_quote(char *out, unsigned long size, const char *text);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
