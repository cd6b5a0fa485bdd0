/* SPDX-License-Identifier: MIT */
/* The options of the log, which the programs that log share. */
#ifndef LEAT_BASE_LOG_OPT_H
#define LEAT_BASE_LOG_OPT_H

#include "base/err.h"
#include "base/log.h"
#include "base/opt.h"

/* In a program's struct of options; LOG_OPT_ROWS are its rows. */
struct log_options {
    const char *level, *format;
};

/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member's name stands in none */
#define LOG_OPT_ROWS(type, member)                                                       \
    {"log-level", 0, OPT_WORD, offsetof(type, member.level), "debug|info|warn|error",    \
     "info", 0, 0, "Show this and what is worse", "log.level"},                          \
    {"log-format", 0, OPT_WORD, offsetof(type, member.format), "logfmt|json",            \
     "logfmt", 0, 0, "How a line of the log is written", "log.format"}
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format on */

struct log_settings {
    enum log_level level;
    enum log_format format;
};

/* Read the words. Errors: LEAT_EUSAGE naming the words there are. */
int log_options_read(const struct log_options *options, struct log_settings *out,
                     struct err *err);

/* Log so from now on. */
void log_settings_use(const struct log_settings *settings);

#endif
