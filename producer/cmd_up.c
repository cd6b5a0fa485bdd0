/* SPDX-License-Identifier: MIT */
/* leat up: all that jobs need, under one command: a private Redis, a worker, the
 * dashboard. */
#include "command.h"
#include "base/log_opt.h"
#include "schema/limits.h"
#include "schema/queue.h"
#include "up.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct up_options {
    const char *state, *listen;
    struct opt_list queues, allow_net, exec, lines;
    int64_t slots, lease_ms;
    struct log_options log;
};

#define AT(member) offsetof(struct up_options, member)

static const struct opt rows[] = {
    {"state", 0, OPT_TEXT, AT(state), "DIR", NULL, 0, 0,
     "Where the data, the socket and the logs are (default: $XDG_STATE_HOME/leat, else "
     "~/.local/state/leat)"},
    {"listen", 0, OPT_TEXT, AT(listen), "ADDRESS", "127.0.0.1:8740", 0, 0,
     "Where the dashboard serves: HOST:PORT, [::1]:PORT or unix:PATH; port 0 takes a "
     "free "
     "one"},
    {"queue", 'q', OPT_LIST, AT(queues), "QUEUE", NULL, 0, 0,
     "A queue to serve; may be repeated (default default)"},
    {"concurrency", 'c', OPT_INT, AT(slots), "SLOTS", "64", 1, 1024,
     "Slow jobs, such as fetches, that run at once"},
    {"lease", 0, OPT_DURATION, AT(lease_ms), "DUR", "30s", 2000, LIMIT_LEASE_MS,
     "How long a job is the worker's without a sign of life"},
    {"allow-net", 0, OPT_LIST, AT(allow_net), "CIDR", NULL, 0, 0,
     "Addresses that refresh may reach although they are private; may be repeated"},
    {"exec", 0, OPT_LIST, AT(exec), "TYPE=COMMAND", NULL, 0, 0,
     "Run COMMAND for each job of that type, see leat worker; may be repeated"},
    {"lines", 0, OPT_LIST, AT(lines), "TYPE=COMMAND", NULL, 0, 0,
     "Keep COMMAND running and hand it the jobs of that type; may be repeated"},
    LOG_OPT_ROWS(struct up_options, log),
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "Run a private Redis, a worker and the dashboard until Ctrl-C.\v"
        "The data stays in the state directory, which only you can look into, and is "
        "there again at the next start; redis.log, worker.log and dashboard.log are "
        "there too. At the end the worker finishes what runs, for up to 25 s; after a "
        "second Ctrl-C it gives it back at once.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

enum {
    WORKER_WORDS = 10
}; /* of the worker's arguments, besides its lists and the NULL */

static void add_list(struct arena *arena, char **argv, size_t *count, const char *option,
                     const struct opt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        argv[(*count)++] = arena_printf(arena, "%s=%s", option, list->at[i]);
}

static char **worker_arguments(struct arena *arena, const struct up_options *options,
                               const char *redis_url)
{
    size_t count = 0;
    size_t listed = options->queues.count + options->allow_net.count +
                    options->exec.count + options->lines.count;
    char **argv = arena_alloc(arena, (WORKER_WORDS + listed) * sizeof *argv);
    argv[count++] = arena_printf(arena, "leat");
    argv[count++] = arena_printf(arena, "worker");
    argv[count++] = arena_printf(arena, "--redis=%s", redis_url);
    /* We are its master: we replace it when it dies. */
    argv[count++] = arena_printf(arena, "--processes=0");
    argv[count++] = arena_printf(arena, "--concurrency=%lld", (long long)options->slots);
    argv[count++] = arena_printf(arena, "--lease=%lldms", (long long)options->lease_ms);
    argv[count++] = arena_printf(arena, "--log-level=%s", options->log.level);
    argv[count++] = arena_printf(arena, "--log-format=%s", options->log.format);
    add_list(arena, argv, &count, "--queue", &options->queues);
    add_list(arena, argv, &count, "--allow-net", &options->allow_net);
    add_list(arena, argv, &count, "--exec", &options->exec);
    add_list(arena, argv, &count, "--lines", &options->lines);
    argv[count] = NULL;
    return argv;
}

/* `leat` where that is this very program, else its whole path: the lines are to be
 * pasted. */
static const char *own_name(struct arena *arena)
{
    char path[4096];
    struct stat found, own;
    const char *which = private_redis_which(arena, "leat");
    if (which != NULL && stat(which, &found) == 0 && stat("/proc/self/exe", &own) == 0 &&
        found.st_dev == own.st_dev && found.st_ino == own.st_ino)
        return "leat";
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return len > 0 ? arena_dup(arena, bytes_of(path)) : "leat";
}

static void on_ready(void *arg, const char *dashboard)
{
    const struct private_redis *redis = arg;
    printf("leat is up, with its data and logs in %s; Ctrl-C stops it.\n"
           "  Redis      %s\n"
           "  dashboard  %s\n\n"
           "To paste into another shell:\n"
           "  export LEAT_REDIS=%s\n"
           "  %s push increment counter=song:1\n"
           "  %s counter get song:1      # or look at %s\n",
           redis->folder, redis->url, dashboard, redis->url, own_name(redis->arena),
           own_name(redis->arena), dashboard);
    fflush(stdout);
}

static int check_queues(const struct opt_list *queues, struct err *err)
{
    struct queue queue;
    for (size_t i = 0; i < queues->count; i++)
        if (queue_init(&queue, queues->at[i], err) != LEAT_OK)
            return err->code;
    return LEAT_OK;
}

static int open_redis(struct private_redis *redis, const struct up_options *options,
                      struct arena *arena, struct err *err)
{
    const char *folder =
        options->state != NULL ? options->state : private_redis_usual_folder(arena);
    struct log_settings log;
    if (check_queues(&options->queues, err) != LEAT_OK ||
        log_options_read(&options->log, &log, err) != LEAT_OK)
        return err->code;
    if (folder == NULL || folder[0] == '\0')
        return err_set(err, LEAT_EUSAGE,
                       "say where to keep the data: --state DIR (neither XDG_STATE_HOME "
                       "nor HOME names a directory)");
    return private_redis_open(redis, folder, arena, err);
}

static int run(int argc, char **argv)
{
    struct up_options options = {0};
    struct private_redis redis = {.lock_fd = -1};
    struct arena arena = {0};
    struct err err = {0};
    int status;
    opt_parse(&spec, argc, argv, &options);
    unsetenv("LEAT_REDIS_PASSWORD_FILE"); /* the private one asks for none */
    if (open_redis(&redis, &options, &arena, &err) == LEAT_OK) {
        struct up_config config = {
            .redis = &redis,
            .worker = worker_arguments(&arena, &options, redis.url),
            .listen = options.listen,
            .log = options.log,
            .arg = &redis,
            .on_ready = on_ready,
        };
        status = up_run(&config, &arena);
    } else {
        status = command_fail(&err);
    }
    private_redis_close(&redis);
    arena_fini(&arena);
    return status;
}

const struct command cmd_up = {"up", "Run a private Redis, a worker and the dashboard",
                               run};
