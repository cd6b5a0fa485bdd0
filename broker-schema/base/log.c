/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"debug", "info", "warn", "error"};
static enum log_level shown = LOG_INFO;

void log_set_level(enum log_level level)
{
    shown = level;
}

int log_level_parse(const char *name)
{
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

static int write_stamp(char *out, size_t size)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return (int)len + snprintf(out + len, size - len, ".%03ldZ", now.tv_nsec / 1000000);
}

void log_line(enum log_level level, const char *msg, const char *fields, ...)
{
    if (level < shown)
        return;
    char line[2048], stamp[40];
    write_stamp(stamp, sizeof stamp);
    int len = snprintf(line, sizeof line, "ts=%s level=%s pid=%d msg=\"%s\"", stamp,
                       names[level], (int)getpid(), msg);
    va_list args;
    va_start(args, fields);
    len += vsnprintf(line + len, sizeof line - (size_t)len, fields, args);
    va_end(args);
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    line[len++] = '\n';
    /* One write per line, so that lines of several processes do not mix. */
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        return;
}

const char *log_quote(char *out, unsigned long size, const char *text)
{
    size_t len = 0;
    out[len++] = '"';
    for (; *text != '\0' && len + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            out[len++] = '\\';
        out[len++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
