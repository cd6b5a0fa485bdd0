/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const levels[] = {"debug", "info", "warn", "error"};
static const char *const formats[] = {"logfmt", "json"};
static enum log_level shown = LOG_INFO;
static enum log_format written = LOG_LOGFMT;
static struct buf line; /* kept between lines */

void log_set_level(enum log_level level)
{
    shown = level;
}

void log_set_format(enum log_format format)
{
    written = format;
}

static int place_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

int log_level_parse(const char *name)
{
    return place_of(name, levels, sizeof levels / sizeof *levels);
}

int log_format_parse(const char *name)
{
    return place_of(name, formats, sizeof formats / sizeof *formats);
}

int log_shows(enum log_level level)
{
    return level >= shown;
}

/* ---- fields ------------------------------------------------------------------------ */

struct log_field log_bytes(const char *name, struct bytes text)
{
    return (struct log_field){.name = name, .text = text};
}

struct log_field log_text(const char *name, const char *text)
{
    return log_bytes(name, bytes_of(text));
}

struct log_field log_known(const char *name, struct bytes text)
{
    return log_bytes(text.len > 0 ? name : NULL, text);
}

struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .is_number = 1, .number = number};
}

/* ---- writing ----------------------------------------------------------------------- */

/* May it stand in logfmt without quotes? */
static int is_word(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("\"=\\", text.at[i]) != NULL)
            return 0;
    return text.len > 0;
}

static void add_string(struct bytes text)
{
    if (text.len <= LOG_VALUE_BYTES) {
        text_tame_string(&line, text);
        return;
    }
    text.len = LOG_VALUE_BYTES;
    while (text.len > 0 && (text.at[text.len] & 0xc0) == 0x80)
        text.len--; /* not in the middle of a character */
    text_tame_string(&line, text);
    line.len--;
    buf_adds(&line, "…\"");
}

static void add_name(const char *name)
{
    if (written == LOG_JSON)
        buf_addf(&line, "%s\"%s\":", line.len > 1 ? "," : "", name);
    else
        buf_addf(&line, "%s%s=", line.len > 0 ? " " : "", name);
}

static void add_field(const struct log_field *field)
{
    size_t before = line.len;
    add_name(field->name);
    if (field->is_number)
        buf_add_int(&line, field->number);
    else if (written == LOG_LOGFMT && is_word(field->text))
        buf_add(&line, field->text.at, field->text.len);
    else
        add_string(field->text);
    if (line.len > LOG_LINE_BYTES - 2)
        line.len = before;
}

static void add_stamp(void)
{
    char stamp[40];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + len, sizeof stamp - len, ".%06ldZ", now.tv_nsec / 1000);
    add_field(&(struct log_field){.name = "ts", .text = bytes_of(stamp)});
}

void log_line(enum log_level level, const char *msg, const struct log_field *fields,
              size_t count)
{
    buf_reset(&line);
    if (written == LOG_JSON)
        buf_addc(&line, '{');
    add_stamp();
    add_field(&(struct log_field){.name = "level", .text = bytes_of(levels[level])});
    add_field(&(struct log_field){.name = "pid", .is_number = 1, .number = getpid()});
    add_name("msg"); /* in quotes, also when it is one word */
    add_string(bytes_of(msg));
    for (size_t i = 0; i < count; i++)
        if (fields[i].name != NULL)
            add_field(&fields[i]);
    buf_adds(&line, written == LOG_JSON ? "}\n" : "\n");
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        return;
}
