/* SPDX-License-Identifier: MIT */
#include "config/config.h"
#include "base/text.h"
#include "config/options.h"
#include "config/reader.h"
#include "schema/envelope.h"
#include "schema/queue.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking ----------------------------------------------------------------------- */

const struct config_entry *config_find(const struct config *config, const char *key,
                                       const char *title)
{
    for (const struct config_entry *it = config->entries; it != NULL; it = it->next)
        if (it->row != NULL && strcmp(it->row->key, key) == 0 &&
            strcmp(it->title, title) == 0)
            return it;
    return NULL;
}

const struct config_entry *config_next_title(const struct config *config,
                                             const char *section,
                                             const struct config_entry *after)
{
    const struct config_entry *it = after != NULL ? after->next : config->entries;
    while (it != NULL && (it->row != NULL || strcmp(it->section, section) != 0))
        it = it->next;
    return it;
}

/* ---- one text ---------------------------------------------------------------------- */

static int check_titles(const struct config *config, const char *section,
                        int (*check)(const struct config *, const struct config_entry *,
                                     struct err *),
                        struct err *err)
{
    const struct config_entry *it = NULL;
    struct err why = {0};
    for (int count = 1; (it = config_next_title(config, section, it)) != NULL; count++) {
        if (count > CONFIG_TITLES_MAX)
            err_set(&why, LEAT_ECONFIG, "more than %d sections '%s'", CONFIG_TITLES_MAX,
                    section);
        else
            check(config, it, &why);
        if (why.code != LEAT_OK)
            return err_set(err, LEAT_ECONFIG, "%s:%d: %s", it->file, it->line, why.text);
    }
    return LEAT_OK;
}

static int check_queue(const struct config *config, const struct config_entry *title,
                       struct err *err)
{
    struct queue unused;
    (void)config;
    return queue_init(&unused, title->title, err);
}

static int check_retry(const struct config *config, const struct config_entry *title,
                       struct err *err)
{
    struct backoff unused;
    if (!envelope_is_name(title->title, LIMIT_TYPE_BYTES))
        return err_set(err, LEAT_ECONFIG,
                       "type name '%.80s' is not allowed: 1 to %d of A-Z a-z 0-9 . _ : -",
                       title->title, LIMIT_TYPE_BYTES);
    return config_retry(config, title->title, &unused, err);
}

int config_add(struct config *config, const char *file, struct bytes text,
               struct err *err)
{
    int code = reader_read(config, arena_dup(&config->arena, bytes_of(file)), text, err);
    if (code == LEAT_OK)
        code = check_titles(config, "queue", check_queue, err);
    if (code == LEAT_OK)
        code = check_titles(config, "retry", check_retry, err);
    return code;
}

void config_fini(struct config *config)
{
    arena_fini(&config->arena);
    *config = (struct config){0};
}

/* ---- giving away ------------------------------------------------------------------- */

static void fill(const struct config *config, const struct opt_spec *spec,
                 const char *title, uint64_t given, void *target)
{
    const struct opt *row;
    for (size_t i = 0; (row = opt_row(spec, i)) != NULL; i++) {
        const struct config_entry *entry = row->key != NULL && !(given >> i & 1)
                                               ? config_find(config, row->key, title)
                                               : NULL;
        if (entry == NULL)
            continue;
        for (const struct config_value *it = entry->values; it != NULL; it = it->next)
            opt_store(row, "", it->text, target, NULL); /* reader.c has looked at it */
    }
}

void config_fill(const struct config *config, const struct opt_spec *spec, uint64_t given,
                 void *target)
{
    fill(config, spec, "", given, target);
}

const char *config_redis(const struct config *config, const char *given)
{
    const struct config_entry *entry = config_find(config, "redis", "");
    if (given != NULL || entry == NULL || getenv("LEAT_REDIS") != NULL ||
        getenv("REDIS_URL") != NULL)
        return given;
    return entry->values->text;
}

int config_weight(const struct config *config, const char *queue)
{
    struct queue_keys keys = {.weight = 1};
    fill(config, &queue_spec, queue, 0, &keys);
    return (int)keys.weight;
}

static int take_delays(struct backoff *policy, const struct opt_list *delays,
                       struct err *err)
{
    if (delays->count > LIMIT_RETRY_LIST)
        return err_set(err, LEAT_ECONFIG, "'list' has more than %d delays",
                       LIMIT_RETRY_LIST);
    for (size_t i = 0; i < delays->count; i++)
        text_to_duration_ms(delays->at[i], &policy->list_ms[i]);
    policy->list_count = (int)delays->count;
    return LEAT_OK;
}

/* As in an envelope, a list alone says the policy. */
static int choose_kind(struct backoff *policy, const char *name, struct err *err)
{
    if (name == NULL)
        policy->kind = policy->list_count > 0 ? BACKOFF_LIST : BACKOFF_EXPONENTIAL;
    else if (strcmp(name, "list") == 0)
        policy->kind = BACKOFF_LIST;
    else
        policy->kind = strcmp(name, "fixed") == 0 ? BACKOFF_FIXED : BACKOFF_EXPONENTIAL;
    if (policy->kind == BACKOFF_LIST && policy->list_count == 0)
        return err_set(err, LEAT_ECONFIG,
                       "the policy list needs its delays: list = {\"10s\", \"1m\"}");
    return LEAT_OK;
}

int config_retry(const struct config *config, const char *type, struct backoff *out,
                 struct err *err)
{
    struct backoff policy = backoff_default;
    struct retry_keys keys = {.retries_max = policy.retries_max,
                              .base_ms = policy.base_ms,
                              .factor = policy.factor,
                              .cap_ms = policy.cap_ms};
    fill(config, &retry_spec, type, 0, &keys);
    policy.retries_max = keys.retries_max;
    policy.base_ms = keys.base_ms;
    policy.factor = keys.factor;
    policy.cap_ms = keys.cap_ms;
    int code = take_delays(&policy, &keys.delays, err);
    if (code == LEAT_OK)
        code = choose_kind(&policy, keys.policy, err);
    if (code == LEAT_OK)
        *out = policy;
    return code;
}

void config_handler(const struct config *config, const char *type,
                    struct handler_keys *out)
{
    *out = (struct handler_keys){0};
    opt_defaults(&handler_spec, out);
    fill(config, &handler_spec, type, 0, out);
}
