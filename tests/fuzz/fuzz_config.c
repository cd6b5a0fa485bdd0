/* SPDX-License-Identifier: MIT */
/* A configuration's text is taken or refused with its file and line; either way the next
 * text is read as if there had been none before it. What was taken can be given away. */
#include "base/text.h"
#include "config/config.h"
#include "config/options.h"
#include "fuzz.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 4096 };

static int count_lines(struct bytes text)
{
    int lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

/* `file:LINE: what`, and the text has that line. */
static void check_error(const struct err *err, struct bytes text)
{
    int64_t line;
    MUST(strncmp(err->text, "file:", 5) == 0);
    const char *number = err->text + 5;
    struct bytes digits = {number, strcspn(number, ":")};
    MUST(text_to_int(digits, &line) == 0);
    MUST(line >= 1 && line <= count_lines(text));
    MUST(strncmp(number + digits.len, ": ", 2) == 0 && number[digits.len + 2] != '\0');
}

static void give_away(const struct config *config)
{
    struct worker_options worker = {0};
    struct dashboard_options dashboard = {0};
    struct backoff policy;
    const struct config_entry *it = NULL;
    config_fill(config, &worker_spec, 0, &worker);
    config_fill(config, &dashboard_spec, 0, &dashboard);
    while ((it = config_next_title(config, "queue", it)) != NULL)
        MUST(config_weight(config, it->title) >= 1);
    while ((it = config_next_title(config, "retry", it)) != NULL)
        MUST(config_retry(config, it->title, &policy, NULL) == LEAT_OK);
    MUST(config_find(config, "worker.concurrency", "") == NULL ||
         (worker.slots >= 1 && worker.slots <= 1024));
}

static void check_next(void)
{
    struct config config = {0};
    MUST(config_add(&config, "next", bytes_of("\n\nworker { concurrency = 9 }"), NULL) ==
         LEAT_OK);
    const struct config_entry *entry = config_find(&config, "worker.concurrency", "");
    MUST(entry != NULL && entry->line == 3 && strcmp(entry->values->text, "9") == 0);
    config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = input_of(data, size);
    struct config config = {0};
    struct err err = {0};
    if (size > TEXT_BYTES_MAX)
        return 0;
    int code = config_add(&config, "file", text, &err);
    MUST(code == LEAT_OK || code == LEAT_ECONFIG);
    if (code == LEAT_OK)
        give_away(&config);
    else
        check_error(&err, text);
    config_fini(&config);
    check_next();
    return 0;
}
