/* SPDX-License-Identifier: MIT */
#include "broker/fsck_inside.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "broker/walk.h"
#include "schema/entry.h"
#include "schema/envelope.h"
#include "schema/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 60, COUNTERS_PAGE = 200 };

/* ---- saying ------------------------------------------------------------------------ */

static void hand_over(struct fsck *fsck, enum fsck_level level, const char *check,
                      const char *text)
{
    struct err line = {0}; /* without controls, whatever was quoted */
    err_set(&line, LEAT_ENO, "%s", text);
    fsck->fn(fsck->arg, level, fsck->queue->name, check, line.text);
}

static void say_how_many_more(struct fsck *fsck)
{
    char text[40];
    if (fsck->said <= FSCK_SAID_MAX)
        return;
    snprintf(text, sizeof text, "and %d more", fsck->said - FSCK_SAID_MAX);
    hand_over(fsck, fsck->level, fsck->check, text);
}

void fsck_say(struct fsck *fsck, enum fsck_level level, const char *check,
              const char *format, ...)
{
    char text[400];
    va_list args;
    if (fsck->said > 0 && strcmp(fsck->check, check) != 0) {
        say_how_many_more(fsck);
        fsck->said = 0;
    }
    fsck->check = check;
    fsck->level = level;
    if (++fsck->said > FSCK_SAID_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hand_over(fsck, level, check, text);
}

/* A name or an entry as people can read it. Owns: the arena. */
static const char *quoted(struct fsck *fsck, struct bytes bytes)
{
    struct buf text = {0};
    text_printable(&text, bytes, QUOTED_MAX);
    const char *kept = arena_dup(&fsck->arena, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

/* ---- asking ------------------------------------------------------------------------ */

/* Send the client's command. A key of the wrong type is a finding: `*reply` is NULL
 * then. */
static int ask(struct fsck *fsck, const struct redisReply **reply, struct err *err)
{
    struct err refused = {0};
    *reply = NULL;
    int code = client_call(fsck->client, reply, &refused);
    if (code == LEAT_EFOREIGN) {
        fsck_say(fsck, FSCK_FAIL, "types", "%s", refused.text);
        return LEAT_OK;
    }
    return code == LEAT_OK ? LEAT_OK : err_set(err, code, "%s", refused.text);
}

static int not_understood(struct err *err, const char *what)
{
    return err_set(err, LEAT_EBUG, "what %s answered is not understood", what);
}

/* ---- sums, and what must fit together ---------------------------------------------- */

static int check_sums(struct fsck *fsck, struct fsck_audit *audit, struct err *err)
{
    const struct redisReply *reply;
    script_audit(&fsck->client->cmd, fsck->queue, FSCK_ENTRIES, FSCK_BYTES);
    int code = ask(fsck, &reply, err);
    if (code != LEAT_OK || reply == NULL)
        return code;
    if (fsck_sums_read(audit, reply) != 0)
        return not_understood(err, "the script 'audit'");
    fsck_sums_judge(fsck, audit);
    return LEAT_OK;
}

static const struct {
    const char *what;
    const char *check;
    int page; /* so many in a step: a body may have 1 MiB, an entry 66 KiB */
} inspections[] = {
    {"lease", "lease", 200},
    {"body", "lease", 4},
    {"slot", "flight", 100},
    {"again", "again", 10},
};

enum { INSPECTIONS = sizeof inspections / sizeof *inspections };

static void say_page(struct fsck *fsck, const struct redisReply *page, const char *check)
{
    enum { FIRST = 3 };
    fsck->looked_at += reply_int(reply_at(page, 1), 0);
    fsck->unjudged += reply_int(reply_at(page, 2), 0);
    for (size_t i = FIRST; i + 1 < reply_count(page); i += 2) {
        struct bytes what = reply_bytes(reply_at(page, i + 1));
        fsck_say(fsck, FSCK_FAIL, check, "%s %s",
                 quoted(fsck, reply_bytes(reply_at(page, i))),
                 arena_dup(&fsck->arena, what));
        arena_reset(&fsck->arena);
    }
}

static int inspect(struct fsck *fsck, int i, struct err *err)
{
    const struct redisReply *page;
    char cursor[32] = "0";
    do {
        script_inspect(&fsck->client->cmd, fsck->queue, inspections[i].what, cursor,
                       inspections[i].page, FSCK_ENTRIES, FSCK_BYTES);
        int code = ask(fsck, &page, err);
        if (code != LEAT_OK || page == NULL)
            return code;
        struct bytes next = reply_bytes(reply_at(page, 0));
        if (next.len == 0 || next.len >= sizeof cursor)
            return not_understood(err, "the script 'inspect'");
        say_page(fsck, page, inspections[i].check);
        snprintf(cursor, sizeof cursor, "%.*s", (int)next.len, next.at);
    } while (strcmp(cursor, "0") != 0);
    return LEAT_OK;
}

/* ---- counters ---------------------------------------------------------------------- */

static void judge_counters(struct fsck *fsck, const struct redisReply *pairs)
{
    for (size_t i = 0; i + 1 < reply_count(pairs); i += 2) {
        struct bytes value = reply_bytes(reply_at(pairs, i + 1));
        int64_t number;
        fsck->looked_at++;
        if (text_to_int(value, &number) == 0)
            continue;
        fsck_say(fsck, FSCK_FAIL, "counter",
                 "%s is '%s', no integer: jobs that add to it die",
                 quoted(fsck, reply_bytes(reply_at(pairs, i))), quoted(fsck, value));
        arena_reset(&fsck->arena);
    }
}

static int check_counters(struct fsck *fsck, struct err *err)
{
    const struct redisReply *page;
    char cursor[32] = "0";
    do {
        cmd_set(&fsck->client->cmd, "HSCAN", fsck->queue->counters, cursor, "COUNT",
                NULL);
        cmd_add_int(&fsck->client->cmd, COUNTERS_PAGE);
        int code = ask(fsck, &page, err);
        if (code != LEAT_OK || page == NULL)
            return code;
        struct bytes next = reply_bytes(reply_at(page, 0));
        if (next.len == 0 || next.len >= sizeof cursor)
            return not_understood(err, "HSCAN");
        judge_counters(fsck, reply_at(page, 1));
        snprintf(cursor, sizeof cursor, "%.*s", (int)next.len, next.at);
    } while (strcmp(cursor, "0") != 0);
    return LEAT_OK;
}

/* ---- entries ----------------------------------------------------------------------- */

static void judge_job(struct fsck *fsck, struct bytes raw, const char *check)
{
    struct entry entry;
    struct envelope job;
    struct err err = {0};
    if (entry_read(&entry, raw) != 0)
        entry_refuse(raw, &err);
    else
        envelope_read(&job, entry.payload, &fsck->arena, &err);
    if (err.code != LEAT_OK)
        fsck_say(fsck, FSCK_WARN, check,
                 "%s is no job, and will go to the quarantine: %s", quoted(fsck, raw),
                 err.text);
}

static void judge_waiting(struct fsck *fsck, const struct walk *walk, struct bytes raw)
{
    struct entry entry;
    if (strcmp(walk->from, fsck->queue->suspects) == 0 &&
        (entry_read(&entry, raw) != 0 || entry.deliveries < 2))
        fsck_say(fsck, FSCK_FAIL, "waiting",
                 "%s stands in %s after fewer than two deliveries", quoted(fsck, raw),
                 walk->from);
    judge_job(fsck, raw, "waiting");
}

static void judge_scheduled(struct fsck *fsck, const struct walk *walk, struct bytes raw)
{
    (void)walk;
    judge_job(fsck, raw, "scheduled");
}

/* The payload may be anything: one that had 5 deliveries died unread. */
static void judge_dead(struct fsck *fsck, const struct walk *walk, struct bytes raw)
{
    struct entry entry;
    (void)walk;
    if (entry_read(&entry, raw) != 0 || entry.iid.len == 0)
        fsck_say(fsck, FSCK_FAIL, "dead", "%s has no header", quoted(fsck, raw));
}

static void judge_failure(struct fsck *fsck, const struct walk *walk, struct bytes raw)
{
    struct failure failure;
    (void)walk;
    if (failure_read(&failure, raw) != 0)
        fsck_say(fsck, FSCK_FAIL, "failure", "%s is no record of a failure",
                 quoted(fsck, raw));
}

struct passage {
    struct fsck *fsck;
    struct walk walk;
    void (*judge)(struct fsck *fsck, const struct walk *walk, struct bytes raw);
};

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct passage *passage = arg;
    (void)at_ms;
    passage->fsck->looked_at++;
    passage->judge(passage->fsck, &passage->walk, raw);
    arena_reset(&passage->fsck->arena);
    return 0;
}

/* Producers may push for ever: no more than were there at the start. */
static int check_entries(struct fsck *fsck, const struct fsck_audit *audit,
                         struct err *err)
{
    const struct {
        enum walk_source source;
        int64_t max;
        void (*judge)(struct fsck *fsck, const struct walk *walk, struct bytes raw);
    } passages[] = {
        {WALK_READY, audit->waiting, judge_waiting},
        {WALK_SCHEDULED, audit->scheduled, judge_scheduled},
        {WALK_DEAD, audit->dead, judge_dead},
        {WALK_FAILED, FAILURES_KEPT, judge_failure},
    };
    int code = LEAT_OK;
    for (unsigned i = 0; i < sizeof passages / sizeof *passages && code == LEAT_OK; i++) {
        struct passage passage = {.fsck = fsck, .judge = passages[i].judge};
        passage.walk = (struct walk){.queue = fsck->queue,
                                     .source = passages[i].source,
                                     .max = passages[i].max,
                                     .entry = on_entry,
                                     .arg = &passage};
        code = walk_through(&passage.walk, fsck->client, err);
        walk_fini(&passage.walk);
    }
    return code;
}

/* ---- all of it --------------------------------------------------------------------- */

static int check_all(struct fsck *fsck, struct err *err)
{
    struct fsck_audit audit = {0};
    int code = check_sums(fsck, &audit, err);
    if (code != LEAT_OK ||
        audit.meta == NULL) /* a key of another type: said, and no more */
        return code;
    for (int i = 0; i < INSPECTIONS && code == LEAT_OK; i++)
        code = inspect(fsck, i, err);
    if (code == LEAT_OK)
        code = check_counters(fsck, err);
    if (code == LEAT_OK)
        code = check_entries(fsck, &audit, err);
    return code;
}

int fsck_queue(struct client *client, const struct queue *queue, fsck_fn say, void *arg,
               struct err *err)
{
    struct fsck fsck = {.client = client, .queue = queue, .fn = say, .arg = arg};
    int code = check_all(&fsck, err);
    if (code == LEAT_OK && fsck.unjudged > 0)
        fsck_say(&fsck, FSCK_WARN, "flight",
                 "%lld were not judged: too much waits to look for their jobs",
                 (long long)fsck.unjudged);
    fsck_say(&fsck, FSCK_OK, "looked at",
             "%lld leases, bodies, flights, counters and entries",
             (long long)fsck.looked_at);
    arena_fini(&fsck.arena);
    return code;
}
