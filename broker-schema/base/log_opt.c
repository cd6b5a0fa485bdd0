/* SPDX-License-Identifier: MIT */
#include "base/log_opt.h"

int log_options_read(const struct log_options *options, struct log_settings *out,
                     struct err *err)
{
    int level = log_level_parse(options->level);
    int format = log_format_parse(options->format);
    if (level < 0)
        return err_set(err, LEAT_EUSAGE,
                       "--log-level is debug, info, warn or error, not '%.40s'",
                       options->level);
    if (format < 0)
        return err_set(err, LEAT_EUSAGE, "--log-format is logfmt or json, not '%.40s'",
                       options->format);
    *out = (struct log_settings){(enum log_level)level, (enum log_format)format};
    return LEAT_OK;
}

void log_settings_use(const struct log_settings *settings)
{
    log_set_level(settings->level);
    log_set_format(settings->format);
}
