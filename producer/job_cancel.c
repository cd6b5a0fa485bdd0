/* SPDX-License-Identifier: MIT */
#include "job_cancel.h"
#include "await.h"
#include "broker/cancel.h"
#include "verb.h"
#include "waiting.h"

#include <stdio.h>

struct cancel_options {
    struct common_options common;
    struct opt_list ids;
    const char *queue;
};

#define AT(member) offsetof(struct cancel_options, member)

static const struct opt rows[] = {
    {"queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0, "The jobs' queue"},
};

static const struct opt_spec spec = {
    .usage = "ID...",
    .about =
        "Cancel jobs by their ids: one that runs is stopped, one that waits does not "
        "start. Prints what that did, a line for each.\v"
        "A job that was pushed without an id is named by its iid, as the log of its "
        "worker has it.\n\n"
        "Exit status 1: one has ended before, or is not known here. An id that is not "
        "known is kept for a day, in which a job with it does not start.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    COMMAND_SHARES,
    .words_offset = AT(ids),
    .words_min = 1,
    .words_max = OPT_LIST_MAX,
};

/* ---- what is told ------------------------------------------------------------------ */

static void add_text(struct buf *line, const struct cancel *cancel)
{
    switch (cancel->fate) {
    case CANCEL_STOPPING:
        buf_addf(line, "stopping on %s (pid %s)", cancel->host, cancel->pid);
        break;
    case CANCEL_WAITING:
        buf_addf(line, "waits (%s) and will not start", cancel->where);
        break;
    case CANCEL_UNSCHEDULED: buf_adds(line, "was scheduled, and is cancelled"); break;
    case CANCEL_ENDED:
        buf_addf(line, "has ended before: %s", track_state_name(cancel->record.state));
        break;
    case CANCEL_UNSEEN:
        buf_addf(line, "is %s, seen nowhere just now; will not start, or be stopped",
                 track_state_name(cancel->record.state));
        break;
    case CANCEL_UNKNOWN:
        buf_adds(line, "is not known here; would not start within a day");
        break;
    }
}

static void print_text(const struct cancel *cancel)
{
    struct buf line = {0};
    buf_addf(&line, "%s: ", cancel->id);
    add_text(&line, cancel);
    waiting_print(buf_bytes(&line));
    buf_fini(&line);
}

static void print_json(const struct cancel *cancel)
{
    struct buf line = {0};
    cancel_json(&line, cancel);
    puts(buf_text(&line));
    buf_fini(&line);
}

/* ---- cancelling -------------------------------------------------------------------- */

/* Returns 1 if it runs or waits, 0 if not, or an error. */
static int cancel_one(struct client *client, struct stream_watch *watch,
                      const struct queue *queue, const char *id, int json,
                      struct err *err)
{
    struct cancel cancel = {.watch = watch, .queue = queue, .id = id};
    int code = await_cancel(client, &cancel, err);
    if (code == LEAT_OK)
        (json ? print_json : print_text)(&cancel);
    int is_known = cancel.fate != CANCEL_ENDED && cancel.fate != CANCEL_UNKNOWN;
    cancel_fini(&cancel);
    return code == LEAT_OK ? is_known : code;
}

static int cancel_all(struct client *client, const struct queue *queue,
                      const struct cancel_options *o, struct err *err)
{
    int all_known = 1, known = 1;
    struct stream_watch *watch =
        stream_watch_new(client->loop, &client->url, client->link);
    for (size_t i = 0; i < o->ids.count && known >= 0; i++) {
        known = cancel_one(client, watch, queue, o->ids.at[i], o->common.json, err);
        all_known = all_known && known;
    }
    stream_watch_free(watch);
    if (known < 0)
        return command_fail(err);
    return all_known ? 0 : err_exit_status(LEAT_ENO);
}

int job_cancel_run(int argc, char **argv)
{
    struct cancel_options options = {0};
    struct client client = {0};
    struct queue queue;
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    int status =
        verb_open(&client, &spec, &options.common, &queue, options.queue, &err) == LEAT_OK
            ? cancel_all(&client, &queue, &options, &err)
            : command_fail(&err);
    client_close(&client);
    return status;
}
