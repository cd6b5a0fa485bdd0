/* SPDX-License-Identifier: MIT */
/* leat push: one job from the command line, or a stream of them (push_bulk.h). leat run:
 * one job, and its result. */
#include "command.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/client.h"
#include "broker/due.h"
#include "broker/pusher.h"
#include "push_args.h"
#include "push_bulk.h"
#include "schema/envelope.h"
#include "schema/job.h"
#include "schema/uuid.h"
#include "waiting.h"

#include <stdio.h>
#include <string.h>

enum {
    GIVE_UP_MS = 30000,
    ROWS_OF_ONE = 10, /* those in front belong to a single job: `leat run` has them too */
};

struct push_options {
    struct common_options common;
    struct opt_list words;
    const char *queue, *args, *id, *at, *lines, *arg, *prefix, *then, *wait;
    int64_t in_ms, retries, timeout_ms;
    int ndjson, track;
    int silent; /* the id is not printed */
};

#define AT(member) offsetof(struct push_options, member)

static int read_wait(const char *text, int64_t *out_ms)
{
    *out_ms = 0;
    return *text == '\0' ? 0 : text_to_duration_ms(text, out_ms);
}

static int check_wait(const char *text, struct err *err)
{
    int64_t ms;
    if (read_wait(text, &ms) == 0 && ms >= 0 && ms <= LIMIT_DELAY_MS)
        return LEAT_OK;
    return err_set(err, LEAT_EUSAGE, "'%.40s' is no duration such as 250ms, 10s or 5m",
                   text);
}

static const struct opt rows[] = {
    {"queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0, "Queue to push to"},
    {"args", 0, OPT_TEXT, AT(args), "JSON", NULL, 0, 0,
     "All args as JSON; - reads standard input"},
    {"id", 0, OPT_TEXT, AT(id), "ID", NULL, 0, 0,
     "The job's id; a UUIDv7 is made without it"},
    {"in", 0, OPT_DURATION, AT(in_ms), "DUR", NULL, 1, LIMIT_DELAY_MS,
     "Not before this much time has passed: 250ms, 10s, 5m, 2h, 1d"},
    {"at", 0, OPT_TEXT, AT(at), "TIME", NULL, 0, 0,
     "Not before this time: 2026-11-21T10:00:00Z or @1795255200"},
    {"retries", 0, OPT_INT, AT(retries), "N", NULL, 0, LIMIT_RETRIES,
     "Run again up to N times after failures"},
    {"timeout", 0, OPT_DURATION, AT(timeout_ms), "DUR", NULL, 1, LIMIT_LEASE_MS,
     "How long one run may take"},
    {"track", 0, OPT_FLAG, AT(track), NULL, NULL, 0, 0,
     "Keep what becomes of the job, for leat job get and wait"},
    {"then", 0, OPT_TEXT, AT(then), "JSON", NULL, 0, 0,
     "The job that follows when this one is done; @FILE reads a file"},
    {"wait", 0, OPT_CHOICE, AT(wait), "DUR", NULL, 0, 0,
     "Wait until the job has ended, for DUR at most, and print its result; tracks it",
     .check = check_wait},
    {"ndjson", 0, OPT_FLAG, AT(ndjson), NULL, NULL, 0, 0,
     "Push each line of FILE or of standard input, which is a whole job in JSON"},
    {"lines", 0, OPT_TEXT, AT(lines), "TYPE", NULL, 0, 0,
     "Push each line of FILE or of standard input as a job of TYPE with the line as "
     "--arg"},
    {"arg", 0, OPT_TEXT, AT(arg), "NAME", NULL, 0, 0,
     "With --lines: the line's key in args"},
    {"prefix", 0, OPT_TEXT, AT(prefix), "TEXT", NULL, 0, 0,
     "With --lines: put TEXT before each line"},
};

static const struct opt_spec run_spec = {
    .usage = "TYPE [key=text|key:=json|key=@file]...",
    .about =
        "Push a job, wait until it has ended, and print its result.\v"
        "Exit status 0: done; 1: it died, expired or was cancelled, which is told on "
        "stderr; 124: --wait=DUR is over. On a terminal its progress is told, too.",
    .rows = rows,
    .row_count = ROWS_OF_ONE,
    COMMAND_SHARES,
    .words_offset = AT(words),
    .words_min = 1,
    .words_max = OPT_LIST_MAX,
};

static const struct opt_spec spec = {
    .usage = "TYPE [key=text|key:=json|key=@file]...\n--ndjson [FILE]\n"
             "--lines TYPE --arg NAME [FILE]",
    .about =
        "Push jobs, each exactly once, and print the id of a single one.\v"
        "With --wait the result follows on a line of its own, and the exit status is "
        "that of leat run. "
        "Lines are pushed as they are, without their newline; a CR before it stays. "
        "With --ndjson empty lines are skipped. A refused line is reported by its "
        "number, the others are pushed, and the exit status is 65.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    COMMAND_SHARES,
    .words_offset = AT(words),
    .words_max = OPT_LIST_MAX,
};

/* ---- options ----------------------------------------------------------------------- */

/* What contradicts what, and why. */
static const char *contradiction(const struct push_options *o)
{
    int is_bulk = o->ndjson || o->lines != NULL;
    if (o->ndjson && o->lines != NULL)
        return "--ndjson and --lines exclude each other";
    if (o->in_ms > 0 && o->at != NULL)
        return "--in and --at exclude each other";
    if (is_bulk && (o->args != NULL || o->id != NULL))
        return "--args and --id are for a single job";
    if (is_bulk && (o->track || o->then != NULL))
        return "--track and --then are for a single job; lines of --ndjson may have them";
    if (is_bulk && o->wait != NULL)
        return "--wait is for a single job";
    if (is_bulk && o->words.count > 1)
        return "only one FILE can be pushed at a time";
    if (o->ndjson && (o->retries >= 0 || o->timeout_ms > 0))
        return "--retries and --timeout stand in the lines of --ndjson themselves";
    if (o->lines != NULL && o->arg == NULL)
        return "--lines needs --arg NAME";
    if (o->lines == NULL && (o->arg != NULL || o->prefix[0] != '\0'))
        return "--arg and --prefix belong to --lines";
    if (!is_bulk && o->words.count == 0)
        return "the job's TYPE is missing; see leat help push";
    if (o->args != NULL && o->words.count > 1)
        return "--args and key=value exclude each other";
    return NULL;
}

static int read_due(const struct push_options *o, struct pusher_due *due, struct err *err)
{
    struct err why = {0};
    *due = (struct pusher_due){o->in_ms > 0 ? PUSH_IN : PUSH_NOW, o->in_ms};
    if (o->at == NULL || due_at(due, o->at, &why) == LEAT_OK)
        return LEAT_OK;
    return err_set(err, why.code, "--at %s", why.text);
}

static struct envelope_draft draft_of(const struct push_options *o)
{
    return (struct envelope_draft){
        .type = o->lines != NULL ? o->lines : o->words.at[0],
        .retries_max = o->retries,
        .timeout_ms = o->timeout_ms,
        .track = o->track || o->wait != NULL,
    };
}

/* ---- one job ----------------------------------------------------------------------- */

struct one {
    struct pusher *pusher;
    int done;
};

static void on_progress(void *arg)
{
    struct one *one = arg;
    one->done = pusher_is_idle(one->pusher) || pusher_error(one->pusher) != NULL;
}

static int push_one(struct client *client, const struct queue *queue,
                    struct pusher_due due, struct bytes payload, struct err *err)
{
    struct one one = {0};
    struct pusher_config config = {.loop = client->loop,
                                   .link = client->link,
                                   .queue = queue,
                                   .patience_ms = PUSH_PATIENCE_MS,
                                   .arg = &one,
                                   .on_progress = on_progress};
    one.pusher = pusher_new(&config);
    pusher_add(one.pusher, payload, due);
    pusher_flush(one.pusher);
    int code = client_wait(client, &one.done, err);
    const struct err *ended = pusher_error(one.pusher);
    if (ended != NULL)
        code = err_set(err, ended->code, "%s", ended->text);
    pusher_free(one.pusher);
    return code;
}

/* Put the job together and check it. */
static int build(struct buf *out, const struct push_options *o, const char *id,
                 struct err *err)
{
    struct envelope_draft draft = draft_of(o);
    struct buf args = {0}, then = {0};
    struct arena arena = {0};
    int code = o->args != NULL
                   ? push_args_json(&args, o->args, err)
                   : push_args_words(&args, o->words.at + 1, o->words.count - 1, err);
    if (code == LEAT_OK && o->then != NULL)
        code = push_args_then(&then, o->then, err);
    if (code == LEAT_OK) {
        draft.id = id;
        draft.args = buf_bytes(&args);
        draft.then = buf_bytes(&then);
        envelope_write(out, &draft);
        code = job_check(buf_bytes(out), &arena, err);
    }
    buf_fini(&args);
    buf_fini(&then);
    arena_fini(&arena);
    return code;
}

static void print_id(const struct push_options *o, const char *id)
{
    if (!o->common.json) {
        puts(id);
        return;
    }
    struct buf line = {0};
    buf_adds(&line, "{\"id\":");
    text_json_string(&line, bytes_of(id));
    buf_addf(&line, ",\"queue\":\"%s\"}", o->queue);
    puts(buf_text(&line));
    buf_fini(&line);
}

/* The job is in the queue. Returns the exit status. */
static int follow(const struct push_options *o, struct client *client,
                  const struct queue *queue, const char *id)
{
    int64_t timeout_ms;
    if (!o->silent)
        print_id(o, id);
    if (o->wait == NULL)
        return 0;
    fflush(stdout);
    read_wait(o->wait, &timeout_ms);
    return waiting_for_one(client, queue, id, timeout_ms, o->common.json);
}

/* Who wrote key=2 meant a number, perhaps. */
static void hint_at_numbers(const struct push_options *o)
{
    for (size_t i = 1; i < o->words.count; i++) {
        const char *word = o->words.at[i], *sign = strchr(word, '=');
        int64_t number;
        if (sign == NULL || sign == word || sign[-1] == ':' ||
            text_to_int(bytes_of(sign + 1), &number) != 0)
            continue;
        fprintf(stderr, "leat: %s is a text; as a number it is %.*s:%s\n", word,
                (int)(sign - word), word, sign);
    }
}

static int run_one(const struct push_options *o, const struct queue *queue,
                   struct pusher_due due, struct err *err)
{
    struct uuid_maker ids = {0};
    char made[UUID_CHARS + 1];
    struct client client = {0};
    struct buf payload = {0};
    uuid_make(&ids, clock_wall_ms(), made);
    const char *id = o->id != NULL ? o->id : made;
    int64_t give_up_ms = o->wait != NULL ? WAITING_GIVE_UP_MS : GIVE_UP_MS;
    int status = 0;
    int code = build(&payload, o, id, err);
    if (code != LEAT_OK)
        hint_at_numbers(o);
    if (code == LEAT_OK)
        code = command_open(&client, &o->common, give_up_ms, err);
    if (code == LEAT_OK)
        code = push_one(&client, queue, due, buf_bytes(&payload), err);
    if (code == LEAT_OK)
        status = follow(o, &client, queue, id);
    client_close(&client);
    buf_fini(&payload);
    return code == LEAT_OK ? status : command_fail(err);
}

/* ---- many -------------------------------------------------------------------------- */

static int run_bulk(const struct push_options *o, const struct queue *queue,
                    struct pusher_due due, struct err *err)
{
    struct client client = {0};
    struct envelope_draft draft;
    struct push_bulk_config config = {
        .path = o->words.count > 0 ? o->words.at[0] : NULL,
        .queue = queue,
        .due = due,
        .arg = o->arg,
        .prefix = o->prefix,
        .json = o->common.json,
    };
    if (o->lines != NULL) {
        draft = draft_of(o);
        config.draft = &draft;
    }
    int status = command_open(&client, &o->common, GIVE_UP_MS, err) == LEAT_OK
                     ? push_bulk(&client, &config)
                     : command_fail(err);
    client_close(&client);
    return status;
}

static int push(const struct push_options *o)
{
    struct queue queue;
    struct pusher_due due = {0};
    struct err err = {0};
    const char *wrong = contradiction(o);
    if (wrong != NULL)
        err_set(&err, LEAT_EUSAGE, "%s", wrong);
    else if (queue_init(&queue, o->queue, &err) == LEAT_OK)
        read_due(o, &due, &err);
    if (err.code != LEAT_OK)
        return command_fail(&err);
    return o->ndjson || o->lines != NULL ? run_bulk(o, &queue, due, &err)
                                         : run_one(o, &queue, due, &err);
}

static int push_run(int argc, char **argv)
{
    struct push_options options = {.retries = -1, .prefix = ""};
    opt_parse(&spec, argc, argv, &options);
    return push(&options);
}

static int run_run(int argc, char **argv)
{
    struct push_options options = {.retries = -1, .prefix = "", .silent = 1};
    opt_parse(&run_spec, argc, argv, &options);
    if (options.wait == NULL)
        options.wait = "";
    return push(&options);
}

const struct command cmd_push = {"push", "Push a job, or a file of them", push_run};
const struct command cmd_run = {"run", "Push a job and wait for its result", run_run};
