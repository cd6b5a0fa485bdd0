/* SPDX-License-Identifier: MIT */
/* leat queue ls | get: the numbers of queues. */
#include "broker/report.h"
#include "broker/script_call.h"
#include "look.h"

struct queue_options {
    struct common_options common;
    struct opt_list words;
};

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

static int count(struct client *client, const struct queue *queue, struct arena *arena,
                 struct overview_queue *counted, struct err *err)
{
    const struct redisReply *reply;
    int64_t now_ms;
    *counted = (struct overview_queue){.name = queue->name};
    call_count(&client->cmd, queue, 0);
    int code = client_call(client, &reply, err);
    if (code == LEAT_OK && overview_read_count(counted, reply, arena, &now_ms) != 0)
        code =
            err_set(err, LEAT_EBUG, "what the script 'count' answered is not understood");
    return code;
}

static int run_get(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .usage = "QUEUE",
        .about = "Show all numbers of one queue.\v"
                 "A queue that nobody has used has zeros.",
        .common = command_common_rows,
        .common_count = COMMAND_COMMON_COUNT,
        .words_offset = offsetof(struct queue_options, words),
        .words_min = 1,
        .words_max = 1,
    };
    struct queue_options options = {0};
    struct client client = {0};
    struct queue queue;
    struct overview_queue counted;
    struct arena arena = {0};
    struct buf out = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    int code = verb_open(&client, &options.common, &queue, options.words.at[0], &err);
    if (code == LEAT_OK)
        code = count(&client, &queue, &arena, &counted, &err);
    if (code == LEAT_OK)
        report_queue(&out, &counted, verb_mode(&options.common));
    client_close(&client);
    verb_print(&out);
    buf_fini(&out);
    arena_fini(&arena);
    return code == LEAT_OK ? 0 : command_fail(&err);
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"ls", "List the queues", run_ls},
        {"get", "Show all numbers of one queue", run_get},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_queue = {"queue", "Show the numbers of queues", run};
