/* SPDX-License-Identifier: MIT */
/* leat health: does every living worker fetch? For a container's health check, and for
 * cron. */
#include "base/text.h"
#include "look.h"

#include <string.h>
#include <unistd.h>

struct health_options {
    struct common_options common;
    int64_t within_ms;
    int host;
};

#define AT(member) offsetof(struct health_options, member)

/* A sound worker asks for jobs each five seconds, and tells of it as often. */
static const struct opt rows[] = {
    {"within", 0, OPT_DURATION, AT(within_ms), "DUR", "30s", WORKER_ALIVE_MS, 86400000,
     "How long ago a worker may have asked for jobs, or begun to wait for one"},
    {"host", 0, OPT_FLAG, AT(host), NULL, NULL, 0, 0,
     "Look at the workers of this host alone; there must be one"},
};

struct health {
    const struct health_options *options;
    const struct overview *overview;
    char host[256]; /* as the workers of this host write it */
    int workers;    /* looked at */
    int faults;
    struct buf lines; /* of faults: text, or the elements of a JSON array */
};

/* `worker` is NULL when there is none. */
static void add_fault(struct health *health, const struct overview_worker *worker,
                      const char *text)
{
    struct buf *lines = &health->lines;
    const char *host = worker != NULL ? worker->host : health->host;
    health->faults++;
    if (!health->options->common.json) {
        text_printable(lines, bytes_of(text), strlen(text));
        buf_addc(lines, '\n');
        return;
    }
    buf_adds(lines, health->faults > 1 ? ",{\"worker\":" : "{\"worker\":");
    if (worker != NULL)
        text_json_string(lines, bytes_of(worker->id));
    else
        buf_adds(lines, "null");
    buf_adds(lines, ",\"host\":");
    text_json_string(lines, bytes_of(host));
    buf_adds(lines, ",\"text\":");
    text_json_string(lines, bytes_of(text));
    buf_addc(lines, '}');
}

static int is_looked_at(const struct health *health, const struct overview_worker *worker)
{
    return !worker->lost &&
           (!health->options->host || strcmp(worker->host, health->host) == 0);
}

static void look_at(struct health *health, const struct overview_worker *worker)
{
    int64_t ms = overview_unfetched_ms(health->overview, worker);
    struct buf text = {0};
    health->workers++;
    if (ms <= health->options->within_ms)
        return;
    buf_addf(&text, "worker %s on %s (pid %lld) is alive but has not fetched for ",
             worker->id, worker->host, (long long)worker->pid);
    text_duration(&text, ms);
    add_fault(health, worker, buf_text(&text));
    buf_fini(&text);
}

static void judge(struct health *health)
{
    struct buf text = {0};
    gethostname(health->host, sizeof health->host - 1);
    for (int i = 0; i < health->overview->worker_count; i++)
        if (is_looked_at(health, &health->overview->workers[i]))
            look_at(health, &health->overview->workers[i]);
    if (health->options->host && health->workers == 0) {
        buf_addf(&text, "no worker of this host (%s) is alive", health->host);
        add_fault(health, NULL, buf_text(&text));
    }
    buf_fini(&text);
}

static void show(struct health *health)
{
    struct buf out = {0};
    if (health->options->common.json) {
        buf_addf(&out,
                 "{\"healthy\":%s,\"workers\":%d,\"within_ms\":%lld,\"faults\":[%s]}\n",
                 health->faults == 0 ? "true" : "false", health->workers,
                 (long long)health->options->within_ms, buf_text(&health->lines));
    } else if (health->faults == 0) {
        buf_addf(&out, "%d %s, fetching\n", health->workers,
                 health->workers == 1 ? "worker" : "workers");
    } else {
        buf_adds(&out, buf_text(&health->lines));
    }
    verb_print(&out);
    buf_fini(&out);
}

static int run(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .about = "Check that Redis answers and that every living worker fetches.\v"
                 "Exit status: 0 all is well, 1 a line for each worker that does not "
                 "fetch, 69 Redis is not reachable. A worker that was not seen for 15 s "
                 "is not alive.",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
        COMMAND_SHARES,
    };
    struct health_options options = {0};
    struct client client = {0};
    struct overview overview = {0};
    struct health health = {.options = &options, .overview = &overview};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    int code = command_open(&client, &options.common, 0, &err);
    if (code == LEAT_OK)
        code = look_workers(&client, &overview, &err);
    if (code == LEAT_OK) {
        judge(&health);
        show(&health);
    }
    client_close(&client);
    buf_fini(&health.lines);
    overview_fini(&overview);
    if (code != LEAT_OK)
        return command_fail(&err);
    return err_exit_status(health.faults > 0 ? LEAT_ENO : LEAT_OK);
}

const struct command cmd_health = {"health", "Check that the workers fetch", run};
