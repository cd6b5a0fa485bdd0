/* SPDX-License-Identifier: MIT */
#include "worker/settings.h"
#include "base/text.h"
#include "base/token.h"
#include "config/options.h"
#include "schema/envelope.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_drain(const char *word, enum drain *out, struct err *err)
{
    *out = DRAIN_NO;
    if (word == NULL)
        return LEAT_OK;
    if (word[0] != '\0' && strcmp(word, "all") != 0)
        return err_set(err, LEAT_EUSAGE, "--drain takes no value, or 'all', not '%.40s'",
                       word);
    *out = word[0] != '\0' ? DRAIN_ALL : DRAIN_READY;
    return LEAT_OK;
}

static int is_named(const struct worker_config *config, const char *queue)
{
    for (int i = 0; i < config->queue_count; i++)
        if (strcmp(config->queues[i], queue) == 0)
            return 1;
    return 0;
}

/* A queue named twice is served once. */
static int add_queue(struct worker_config *config, const char *name, int weight,
                     struct err *err)
{
    struct queue queue;
    if (is_named(config, name))
        return LEAT_OK;
    if (config->queue_count == WORKER_QUEUES_MAX)
        return err_set(err, LEAT_EUSAGE, "more than %d queues", WORKER_QUEUES_MAX);
    if (queue_init(&queue, name, err) != LEAT_OK)
        return LEAT_EUSAGE;
    config->weights[config->queue_count] = weight;
    config->queues[config->queue_count++] = name;
    return LEAT_OK;
}

/* NAME or NAME:WEIGHT. */
static int add_given_queue(struct settings *settings, const char *text, struct err *err)
{
    size_t len = strcspn(text, ":");
    int64_t weight;
    const char *name = arena_dup(&settings->file.arena, (struct bytes){text, len});
    if (text[len] == '\0')
        weight = config_weight(&settings->file, name);
    else if (text_to_int(bytes_of(text + len + 1), &weight) != 0 || weight < 1 ||
             weight > WEIGHT_MAX)
        return err_set(err, LEAT_EUSAGE,
                       "--queue %.80s: a weight is a whole number from 1 to %d", text,
                       WEIGHT_MAX);
    return add_queue(&settings->worker, name, (int)weight, err);
}

/* Those of the command line, else those of the file, else `default`. */
static int read_queues(struct settings *settings, const struct opt_list *given,
                       struct err *err)
{
    struct worker_config *config = &settings->worker;
    const struct config_entry *it = NULL;
    int code = LEAT_OK;
    for (size_t i = 0; i < given->count && code == LEAT_OK; i++)
        code = add_given_queue(settings, given->at[i], err);
    if (given->count > 0)
        return code;
    while (code == LEAT_OK &&
           (it = config_next_title(&settings->file, "queue", it)) != NULL)
        code =
            add_queue(config, it->title, config_weight(&settings->file, it->title), err);
    if (code == LEAT_OK && config->queue_count == 0)
        code = add_queue(config, "default", 1, err);
    return code;
}

static int read_allow_net(const struct opt_list *ranges, struct netguard *guard,
                          struct err *err)
{
    struct err why = {0};
    for (size_t i = 0; i < ranges->count; i++)
        if (netguard_allow(guard, ranges->at[i], &why) != LEAT_OK)
            return err_set(err, why.code, "--allow-net: %s", why.text);
    return LEAT_OK;
}

/* As many as this process may use. */
static int count_cores(void)
{
    cpu_set_t cores;
    int64_t count = sched_getaffinity(0, sizeof cores, &cores) == 0
                        ? CPU_COUNT(&cores)
                        : sysconf(_SC_NPROCESSORS_ONLN); /* more than fit the set */
    return count < 1 ? 1 : count > PROCESSES_MAX ? PROCESSES_MAX : (int)count;
}

/* ---- handlers ---------------------------------------------------------------------- */

static struct handler_config *find_handler(const struct settings *settings,
                                           const char *type)
{
    for (int i = 0; i < settings->worker.handler_count; i++)
        if (strcmp(settings->handlers[i].type, type) == 0)
            return &settings->handlers[i];
    return NULL;
}

/* The type's handler, with what the file says of it; the same again, if it is there. */
static int add_handler(struct settings *settings, const char *type,
                       struct handler_config **out, struct err *err)
{
    struct worker_config *config = &settings->worker;
    if (!envelope_is_name(type, LIMIT_TYPE_BYTES))
        return err_set(err, LEAT_ECONFIG,
                       "'%.80s' is no type of jobs: 1 to %d of A-Z a-z 0-9 . _ : -", type,
                       LIMIT_TYPE_BYTES);
    if (types_find(bytes_of(type)) != NULL)
        return err_set(err, LEAT_ECONFIG, "the type '%s' is built in", type);
    if ((*out = find_handler(settings, type)) != NULL)
        return LEAT_OK;
    if (config->handler_count == HANDLERS_MAX)
        return err_set(err, LEAT_ECONFIG, "more than %d handlers", HANDLERS_MAX);
    *out = &settings->handlers[config->handler_count++];
    (*out)->type = type;
    config_handler(&settings->file, type, &(*out)->keys);
    return LEAT_OK;
}

/* TYPE=PROGRAM ARGUMENT…: split at blanks. */
static int give_command(struct settings *settings, const char *kind, const char *given,
                        struct err *err)
{
    struct arena *arena = &settings->file.arena;
    struct handler_config *handler;
    size_t len = strcspn(given, "=");
    const char *type = arena_dup(arena, (struct bytes){given, len});
    struct err why = {0};
    if (given[len] == '\0')
        return err_set(err, LEAT_EUSAGE, "--%s %.80s: TYPE=COMMAND is wanted", kind,
                       given);
    if (add_handler(settings, type, &handler, &why) != LEAT_OK)
        return err_set(err, LEAT_EUSAGE, "--%s: %s", kind, why.text);
    if (handler->is_given)
        return err_set(err, LEAT_EUSAGE,
                       "--%s %.80s: the type '%s' has a command already; give each type "
                       "one",
                       kind, given, type);
    handler->is_given = 1;
    handler->keys.kind = kind;
    handler->keys.command.count = 0;
    char *rest = arena_dup(arena, bytes_of(given + len + 1)), *word;
    while ((word = strtok_r(rest, " \t", &rest)) != NULL) {
        if (handler->keys.command.count == OPT_LIST_MAX)
            return err_set(err, LEAT_EUSAGE, "--%s %.80s: more than %d words", kind, type,
                           OPT_LIST_MAX);
        handler->keys.command.at[handler->keys.command.count++] = word;
    }
    return LEAT_OK;
}

static int give_commands(struct settings *settings, const char *kind,
                         const struct opt_list *given, struct err *err)
{
    for (size_t i = 0; i < given->count; i++)
        if (give_command(settings, kind, given->at[i], err) != LEAT_OK)
            return err->code;
    return LEAT_OK;
}

static int read_secret(struct settings *settings, struct handler_config *handler,
                       struct err *err)
{
    char secret[TOKEN_CHARS_MAX + 1];
    const char *path = handler->keys.secret_file;
    struct err why = {0};
    if (path == NULL)
        return LEAT_OK;
    if (token_read(secret, path, &handler->secret_is_public, &why) != LEAT_OK)
        return err_set(err, why.code, "secret-file: %s", why.text);
    handler->secret = arena_dup(&settings->file.arena, bytes_of(secret));
    return LEAT_OK;
}

/* Where the file speaks of it, if it does. */
static int refuse_handler(const struct settings *settings,
                          const struct handler_config *handler, const char *why,
                          struct err *err)
{
    const struct config_entry *it = NULL;
    while ((it = config_next_title(&settings->file, "handler", it)) != NULL)
        if (strcmp(it->title, handler->type) == 0)
            return err_set(err, LEAT_ECONFIG, "%s:%d: handler %s: %s", it->file, it->line,
                           handler->type, why);
    return err_set(err, LEAT_ECONFIG, "handler %s: %s", handler->type, why);
}

/* A worker that begins finds out more by its first job. */
static int try_handler(const struct settings *settings,
                       const struct handler_config *handler, struct err *err)
{
    if (!settings->check_only || handler->kind->try == NULL)
        return LEAT_OK;
    return handler->kind->try(handler, err);
}

static int check_handlers(struct settings *settings, struct err *err)
{
    for (int i = 0; i < settings->worker.handler_count; i++) {
        struct handler_config *handler = &settings->handlers[i];
        struct err why = {0};
        handler->kind = handler_kind_find(handler->keys.kind);
        if (handler->kind->check(handler, &why) != LEAT_OK ||
            read_secret(settings, handler, &why) != LEAT_OK ||
            try_handler(settings, handler, &why) != LEAT_OK)
            return refuse_handler(settings, handler, why.text, err);
    }
    return LEAT_OK;
}

static int read_handlers(struct settings *settings, const struct worker_options *options,
                         struct err *err)
{
    const struct config_entry *it = NULL;
    struct handler_config *handler;
    struct err why = {0};
    settings->handlers = xcalloc(HANDLERS_MAX, sizeof *settings->handlers);
    settings->worker.handlers = settings->handlers;
    while ((it = config_next_title(&settings->file, "handler", it)) != NULL)
        if (add_handler(settings, it->title, &handler, &why) != LEAT_OK)
            return err_set(err, LEAT_ECONFIG, "%s:%d: %s", it->file, it->line, why.text);
    int code = give_commands(settings, "exec", &options->exec, err);
    if (code == LEAT_OK)
        code = give_commands(settings, "lines", &options->lines, err);
    return code == LEAT_OK ? check_handlers(settings, err) : code;
}

static int read_policies(struct settings *settings, struct err *err)
{
    struct worker_config *config = &settings->worker;
    const struct config_entry *it = NULL;
    config->policies = settings->policies;
    while ((it = config_next_title(&settings->file, "retry", it)) != NULL) {
        struct type_policy *policy = &settings->policies[config->policy_count++];
        policy->type = it->title;
        if (config_retry(&settings->file, it->title, &policy->backoff, err) != LEAT_OK)
            return err->code;
        if (types_find(bytes_of(it->title)) == NULL &&
            find_handler(settings, it->title) == NULL)
            return err_set(err, LEAT_ECONFIG,
                           "%s:%d: this worker has no handler for '%s'", it->file,
                           it->line, it->title);
    }
    return LEAT_OK;
}

/* Take over what the command line and the file say. */
static int take(struct settings *settings, const struct worker_options *options,
                struct err *err)
{
    struct worker_config *config = &settings->worker;
    config->slots = (int)options->slots;
    config->lease_ms = options->lease_ms;
    config->guard = &settings->guard;
    settings->check_only = options->check_config;
    config->order = strcmp(options->order, "strict") == 0 ? SHARE_STRICT : SHARE_WEIGHTED;
    settings->processes = options->processes == PROCESSES_BY_CORES
                              ? count_cores()
                              : (int)options->processes;
    int code = log_options_read(&options->program.log, &settings->log, err);
    if (code == LEAT_OK)
        code = read_allow_net(&options->allow_net, &settings->guard, err);
    if (code == LEAT_OK)
        code = read_drain(options->drain, &config->drain, err);
    if (code == LEAT_OK)
        code = read_queues(settings, &options->queues, err);
    if (code == LEAT_OK)
        code = read_handlers(settings, options, err);
    if (code == LEAT_OK)
        code = read_policies(settings, err);
    if (code == LEAT_OK)
        code = redis_url_choose(
            &config->url, config_redis(&settings->file, options->program.redis), err);
    return code;
}

int settings_read(struct settings *settings, int argc, char **argv, struct err *err)
{
    struct worker_options options = {.processes = PROCESSES_BY_CORES};
    uint64_t given;
    *settings = (struct settings){0};
    opt_parse_noting(&worker_spec, argc, argv, &options, &given);
    int code = config_open(&settings->file, options.program.config, err);
    if (code != LEAT_OK)
        return code;
    config_fill(&settings->file, &worker_spec, given, &options);
    code = take(settings, &options, err);
    if (code != LEAT_OK)
        settings_fini(settings);
    return code;
}

void settings_fini(struct settings *settings)
{
    config_fini(&settings->file);
    free(settings->handlers);
    *settings = (struct settings){0};
}
