/* SPDX-License-Identifier: MIT */
/* leat queue ls | get | pause | resume | purge: queues as a whole. */
#include "broker/report.h"
#include "broker/script_call.h"
#include "look.h"

#include <stdio.h>

struct queue_options {
    struct common_options common;
    struct opt_list words;
    int yes;
};

static const struct opt purge_rows[] = {
    {"yes", 'y', OPT_FLAG, offsetof(struct queue_options, yes), NULL, NULL, 0, 0,
     "Do not ask"},
};

enum { PURGE_JOBS = 500 }; /* a call: others wait for Redis meanwhile */

static void show_all(struct buf *out, const struct overview *overview,
                     const struct common_options *common)
{
    report_queues(out, overview, verb_mode(common));
}

static int run_ls(int argc, char **argv)
{
    return look_run("List the queues that a producer or a worker of leat has named.",
                    argc, argv, show_all);
}

/* ---- one queue, named by the first word -------------------------------------------- */

struct visit {
    struct queue_options options;
    struct client client;
    struct queue queue;
    struct overview_queue counted;
    struct arena arena;
    struct buf out;
    struct err err;
};

static int visit_run(int argc, char **argv, struct opt_spec spec,
                     int (*act)(struct visit *))
{
    struct visit visit = {0};
    spec.usage = "QUEUE";
    spec.words_offset = offsetof(struct queue_options, words);
    spec.words_min = spec.words_max = 1;
    opt_parse(&spec, argc, argv, &visit.options);
    int code = verb_open(&visit.client, &spec, &visit.options.common, &visit.queue,
                         visit.options.words.at[0], &visit.err);
    if (code == LEAT_OK)
        code = act(&visit);
    client_close(&visit.client);
    verb_print(&visit.out);
    buf_fini(&visit.out);
    arena_fini(&visit.arena);
    return code == LEAT_OK ? 0 : command_fail(&visit.err);
}

static int count(struct visit *visit)
{
    const struct redisReply *reply;
    int64_t now_ms;
    visit->counted = (struct overview_queue){.name = visit->queue.name};
    script_count(&visit->client.cmd, &visit->queue, 0);
    int code = client_call(&visit->client, &reply, &visit->err);
    if (code == LEAT_OK &&
        overview_read_count(&visit->counted, reply, &visit->arena, &now_ms) != 0)
        code = err_set(&visit->err, LEAT_EBUG,
                       "what the script 'count' answered is not understood");
    return code;
}

static int get(struct visit *visit)
{
    int code = count(visit);
    if (code == LEAT_OK)
        report_queue(&visit->out, &visit->counted, verb_mode(&visit->options.common));
    return code;
}

static int run_get(int argc, char **argv)
{
    const struct opt_spec spec = {COMMAND_READS,
                                  .about = "Show all numbers of one queue.\v"
                                           "A queue that nobody has used has zeros."};
    return visit_run(argc, argv, spec, get);
}

/* ---- pause and resume -------------------------------------------------------------- */

static int pause_queue(struct visit *visit)
{
    const struct redisReply *reply;
    cmd_set(&visit->client.cmd, "HSET", visit->queue.meta, "paused", "1", NULL);
    int code = client_call(&visit->client, &reply, &visit->err);
    if (code == LEAT_OK)
        fprintf(stderr, "leat: %s is paused; what runs now goes on to its end\n",
                visit->queue.name);
    return code;
}

static int run_pause(int argc, char **argv)
{
    const struct opt_spec spec = {
        COMMAND_SHARES,

        .about = "Hand out no more jobs of a queue, until it is resumed.\v"
                 "What runs already goes on to its end; jobs can still be pushed."};
    return visit_run(argc, argv, spec, pause_queue);
}

/* Without the message workers look again within a second: its failure is no failure. */
static void wake_workers(struct visit *visit)
{
    const struct redisReply *reply;
    cmd_set(&visit->client.cmd, "XADD", visit->queue.ctl, "MAXLEN", "~", "1000", "*",
            "resume", "1", NULL);
    client_call(&visit->client, &reply, NULL);
}

static int resume_queue(struct visit *visit)
{
    const struct redisReply *reply;
    cmd_set(&visit->client.cmd, "HDEL", visit->queue.meta, "paused", NULL);
    int code = client_call(&visit->client, &reply, &visit->err);
    if (code != LEAT_OK)
        return code;
    int was_paused = reply_int(reply, 0) > 0;
    if (was_paused)
        wake_workers(visit);
    fprintf(stderr, "leat: %s %s\n", visit->queue.name,
            was_paused ? "goes on" : "was not paused");
    return LEAT_OK;
}

static int run_resume(int argc, char **argv)
{
    const struct opt_spec spec = {COMMAND_SHARES,
                                  .about = "Hand out the jobs of a paused queue again."};
    return visit_run(argc, argv, spec, resume_queue);
}

/* ---- purge ------------------------------------------------------------------------- */

/* No more than were there at the start: producers may push for ever. */
static int remove_waiting(struct visit *visit, int64_t most, int64_t *removed)
{
    const struct redisReply *reply;
    int64_t wanted, got;
    do {
        wanted = most - *removed < PURGE_JOBS ? most - *removed : PURGE_JOBS;
        script_purge(&visit->client.cmd, &visit->queue, wanted);
        if (client_call(&visit->client, &reply, &visit->err) != LEAT_OK)
            return visit->err.code;
        got = reply_int(reply, 0);
        *removed += got;
    } while (got == wanted && *removed < most);
    return LEAT_OK;
}

static int purge(struct visit *visit)
{
    int64_t removed = 0;
    if (count(visit) != LEAT_OK)
        return visit->err.code;
    int64_t waiting = overview_waiting(&visit->counted);
    if (waiting == 0 || verb_confirm(visit->options.yes, waiting, "jobs that wait",
                                     &visit->err) == LEAT_OK)
        remove_waiting(visit, waiting, &removed);
    if (visit->err.code == LEAT_OK || removed > 0)
        fprintf(stderr, "leat: removed %lld jobs\n", (long long)removed);
    return visit->err.code;
}

static int run_purge(int argc, char **argv)
{
    const struct opt_spec spec = {
        COMMAND_SHARES,

        .about = "Delete all jobs that wait in a queue now.\v"
                 "What runs goes on; what is scheduled, dead or in quarantine stays, and "
                 "so do counters and cached copies.",
        .rows = purge_rows, .row_count = sizeof purge_rows / sizeof *purge_rows};
    return visit_run(argc, argv, spec, purge);
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"ls", "List the queues", run_ls},
        {"get", "Show all numbers of one queue", run_get},
        {"pause", "Hand out no more jobs of a queue", run_pause},
        {"resume", "Hand out the jobs of a paused queue again", run_resume},
        {"purge", "Delete the jobs that wait in a queue", run_purge},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_queue = {"queue", "Show, pause, resume and purge queues", run};
