/* SPDX-License-Identifier: MIT */
#include "job_wait.h"
#include "verb.h"
#include "waiting.h"

#include <stdio.h>

struct wait_options {
    struct common_options common;
    struct opt_list ids;
    const char *queue;
    int64_t timeout_ms;
    int any;
};

#define AT(member) offsetof(struct wait_options, member)

static const struct opt rows[] = {
    {"queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0, "The jobs' queue"},
    {"any", 0, OPT_FLAG, AT(any), NULL, NULL, 0, 0,
     "The first end is enough, and the exit status is that job's"},
    {"timeout", 0, OPT_DURATION, AT(timeout_ms), "DUR", NULL, 1, LIMIT_DELAY_MS,
     "Wait so long at most, also for jobs that are not there yet"},
};

static const struct opt_spec spec = {
    .usage = "ID...",
    .about =
        "Wait until tracked jobs have ended. Each end is a line: id, state, result or "
        "error, with tabs between them.\v"
        "Exit status 0: all are done; 1: one died, expired or was cancelled, or has no "
        "record (with --any: none has one); 124: --timeout is over.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    COMMAND_SHARES,
    .words_offset = AT(ids),
    .words_min = 1,
    .words_max = STREAM_WAITS_MAX,
};

struct ends {
    const struct queue *queue;
    int json;
    int is_bad; /* one was not done */
};

/* JSON has control characters only where a blank will do. */
static void add_row(struct buf *line, const char *id, const struct track_record *record)
{
    buf_addf(line, "%s\t%s\t", id, track_state_name(record->state));
    if (record->state != TRACK_DONE)
        table_plain(line, buf_bytes(&record->error));
    else
        for (size_t i = 0; i < record->result.len; i++)
            buf_addc(line, record->result.data[i] == '\t' ? ' ' : record->result.data[i]);
}

static void on_end(void *arg, const char *id, const struct track_record *record)
{
    struct ends *ends = arg;
    struct buf line = {0};
    if (ends->json)
        track_json(&line, ends->queue, id, record);
    else
        add_row(&line, id, record);
    waiting_print(buf_bytes(&line));
    buf_fini(&line);
    if (record->state != TRACK_DONE)
        ends->is_bad = 1;
}

int job_wait_run(int argc, char **argv)
{
    struct wait_options options = {0};
    struct client client = {0};
    struct queue queue;
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    struct ends ends = {.queue = &queue, .json = options.common.json};
    const struct waiting waiting = {.queue = &queue,
                                    .ids = options.ids.at,
                                    .count = options.ids.count,
                                    .any = options.any,
                                    .timeout_ms = options.timeout_ms,
                                    .on_end = on_end,
                                    .arg = &ends};
    int code = queue_init(&queue, options.queue, &err);
    if (code == LEAT_OK)
        code = command_open(&client, &options.common, WAITING_GIVE_UP_MS, &err);
    if (code == LEAT_OK)
        code = waiting_wait(&client, &waiting, &err);
    client_close(&client);
    if (code != LEAT_OK)
        return command_fail(&err);
    return ends.is_bad ? err_exit_status(LEAT_ENO) : 0;
}

int job_wait_show(struct client *client, const struct queue *queue, const char *id,
                  struct err *err)
{
    const struct redisReply *reply;
    struct track_record record = {0};
    struct arena arena = {0};
    const char *key;
    int code = LEAT_ENO;
    if (track_key(&key, queue, id, &arena, NULL) == LEAT_OK) {
        stream_put_look(&client->cmd, key);
        code = client_call(client, &reply, err);
    }
    if (code == LEAT_OK)
        track_add_all(&record, reply);
    if (code == LEAT_OK && record.state == TRACK_NONE)
        code = LEAT_ENO;
    if (code == LEAT_OK) {
        struct buf line = {0};
        track_json(&line, queue, id, &record);
        waiting_print(buf_bytes(&line));
        buf_fini(&line);
    }
    track_fini(&record);
    arena_fini(&arena);
    return code == LEAT_ENO ? err_set(err, code, "there is no record of job %s", id)
                            : code;
}
