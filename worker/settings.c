/* SPDX-License-Identifier: MIT */
#include "worker/settings.h"
#include "base/opt.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *redis;
    struct opt_list queues, allow_net, words;
    int64_t slots, lease_ms;
    const char *drain;
    struct log_options log;
};

#define AT(member) offsetof(struct options, member)

static const struct opt rows[] = {
    {"queue", 'q', OPT_LIST, AT(queues), "QUEUE", NULL, 0, 0,
     "A queue to serve; may be repeated (default default)"},
    {"concurrency", 'c', OPT_INT, AT(slots), "SLOTS", "64", 1, 1024,
     "Slow jobs, such as fetches, that run at once"},
    {"lease", 0, OPT_DURATION, AT(lease_ms), "DUR", "30s", 2000, LIMIT_LEASE_MS,
     "How long a job is ours without a sign of life; after it others run the job"},
    {"allow-net", 0, OPT_LIST, AT(allow_net), "CIDR", NULL, 0, 0,
     "Addresses that refresh may reach although they are private; may be repeated"},
    {"drain", 0, OPT_CHOICE, AT(drain), "all", NULL, 0, 0,
     "Work until nothing is ready, running or due within 5 s, then exit; with =all also "
     "wait "
     "for all that is scheduled"},
    LOG_OPT_ROWS(struct options, log),
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0,
     "Where Redis is: redis://[user:password@]host[:port][/db] or unix:///path (default: "
     "$LEAT_REDIS, $REDIS_URL, redis://127.0.0.1:6379)"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "Run jobs: take leases from queues, settle each exactly once.\v"
        "TERM or INT: take nothing more, finish what runs for up to 25 s, give the rest "
        "back and exit 0; a second one gives back at once.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = AT(words),
};

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
static int read_queues(const struct options *options, struct worker_config *config,
                       struct err *err)
{
    struct queue queue;
    for (size_t i = 0; i < options->queues.count; i++) {
        if (is_named(config, options->queues.at[i]))
            continue;
        if (config->queue_count == WORKER_QUEUES_MAX)
            return err_set(err, LEAT_EUSAGE, "more than %d queues", WORKER_QUEUES_MAX);
        if (queue_init(&queue, options->queues.at[i], err) != LEAT_OK)
            return err->code;
        config->queues[config->queue_count++] = options->queues.at[i];
    }
    if (config->queue_count == 0)
        config->queues[config->queue_count++] = "default";
    return LEAT_OK;
}

static int read_allow_net(const struct options *options, struct netguard *guard,
                          struct err *err)
{
    struct err why = {0};
    for (size_t i = 0; i < options->allow_net.count; i++)
        if (netguard_allow(guard, options->allow_net.at[i], &why) != LEAT_OK)
            return err_set(err, why.code, "--allow-net: %s", why.text);
    return LEAT_OK;
}

int settings_read(struct settings *settings, int argc, char **argv, struct err *err)
{
    struct options options = {0};
    struct worker_config *config = &settings->worker;
    *settings = (struct settings){0};
    opt_parse(&spec, argc, argv, &options);
    config->slots = (int)options.slots;
    config->lease_ms = options.lease_ms;
    config->guard = &settings->guard;
    int code = log_options_read(&options.log, &settings->log, err);
    if (code == LEAT_OK)
        code = read_allow_net(&options, &settings->guard, err);
    if (code == LEAT_OK)
        code = read_drain(options.drain, &config->drain, err);
    if (code == LEAT_OK)
        code = read_queues(&options, config, err);
    if (code == LEAT_OK)
        code = redis_url_choose(&config->url, options.redis, err);
    return code;
}
