/* SPDX-License-Identifier: MIT */
#include "scene.h"
#include "act.h"
#include "broker/script_call.h"

#include <stdio.h>

#define JOBS(...)                ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(counter, by, more) /* and more fields of the envelope */                   \
    "{\"type\":\"increment\"," more "\"args\":{\"counter\":\"" counter "\",\"by\":" by   \
    "}}"
#define INCREMENT(counter, by) COUNT(counter, by, "")
#define TRACKED(id)            "\"id\":\"" id "\",\"track\":true,"
#define REFRESH(path, key, more)                                                         \
    "{\"type\":\"refresh\",\"args\":{\"url\":\"http://@" path "\",\"key\":\"" key        \
    "\"" more "}" /* and more fields of the envelope, before the last bracket */
/* A task adds to a counter, and so does all that follows it: two increments that it
 * pushes, one of them later, and one that its result says how much to add. */
#define PUSHED(more) COUNT("pushed", "1", more)
#define LATE(more)   COUNT("late", "1", "\"in_ms\":20," more)
#define THEN(more)   COUNT("then", "\"$result.by\"", more)
#define ANSWER(type, pushed, late)                                                       \
    "{\"incr\":{\"" type "\":1},\"push\":[" pushed "," late "],\"result\":{\"by\":10}}"
#define TASK(type, act, ms, more, pushed, late, then)                                    \
    "{\"type\":\"" type "\"," more "\"args\":{\"do\":\"" act "\",\"ms\":" ms             \
    ",\"answer\":" ANSWER(type, PUSHED(pushed), LATE(late)) "},\"then\":" THEN(then) "}"
#define UNTRACKED(type, act, ms, more) TASK(type, act, ms, more, "", "", "")
#define CHANGED                        ",\"max_age_ms\":0"

/* ---- pushing ----------------------------------------------------------------------- */

static void nothing(struct stage *stage)
{
    (void)stage;
}

static int push(struct stage *stage)
{
    return act_command(stage, JOBS("increment", "counter=a"));
}

static int push_later(struct stage *stage)
{
    return act_command(stage, JOBS("--in", "1h", "increment", "counter=a"));
}

/* Three batches of at most 500, of the shortest jobs that differ. The file serves all
 * runs. */
enum { BULK_JOBS = 1001 };

static int push_bulk_of(struct stage *stage)
{
    char path[128];
    snprintf(path, sizeof path, "%s/bulk.ndjson", stage->dir);
    FILE *file = fopen(path, "r");
    if (file == NULL && (file = fopen(path, "w")) != NULL)
        for (int i = 0; i < BULK_JOBS; i++)
            fprintf(file, "{\"type\":\"t\",\"args\":%d}\n", 1000 + i);
    if (file != NULL)
        fclose(file);
    return act_command(stage, JOBS("--ndjson", path));
}

/* ---- leases ------------------------------------------------------------------------ */

static void increments(struct stage *stage)
{
    act_push(stage, &stage->queue,
             JOBS(INCREMENT("a", "1"), INCREMENT("b", "5"), INCREMENT("a", "1"),
                  INCREMENT("c", "-7"), INCREMENT("a", "1"), INCREMENT("b", "6")));
}

#define FOLLOWED(id) ",\"then\":" COUNT("then", "1", TRACKED(id)) "}"

/* Sums that Redis refuses, a flight and one that merges into it, whose tracked follow-up
 * comes with its claim, one more than there are slots, and bytes that are no job. */
static void mixed(struct stage *stage)
{
    DO(stage, "HSET", stage->queue.counters, "full", "9223372036854775807");
    act_push(stage, &stage->queue,
             JOBS(INCREMENT("a", "1"), REFRESH("/page", "page", "") "}", "no job",
                  REFRESH("/page", "page", "") FOLLOWED("then"), INCREMENT("full", "1"),
                  REFRESH("/other", "other", "") "}", INCREMENT("a", "2")));
}

/* The second comes while the first is under way, runs once more behind it, and finds that
 * nothing changed. The follow-up of each comes with its LAND. */
static void refreshes(struct stage *stage)
{
    act_push(stage, &stage->queue,
             JOBS(REFRESH("/page", "page", CHANGED) FOLLOWED("then"),
                  REFRESH("/page", "page", CHANGED) FOLLOWED("once")));
}

#define AT_ONCE "\"retry\":{\"policy\":\"fixed\",\"base_ms\":5},"

static void failing(struct stage *stage)
{
    act_push(stage, &stage->queue,
             JOBS(REFRESH("/once", "page", "") ",\"retry\":{\"policy\":\"fixed\","
                                               "\"base_ms\":5}}"));
}

/* Some end while others, of the same lease, stay; one runs twice. Of what follows some is
 * tracked, and begins its record with the step that pushes it. */
static void tasks(struct stage *stage)
{
    act_push(stage, &stage->queue,
             JOBS(INCREMENT("a", "1"), UNTRACKED("lines", "well", "0", ""),
                  UNTRACKED("lines", "well", "40", ""),
                  TASK("exec", "well", "10", TRACKED("task"), TRACKED("pushed"),
                       TRACKED("late"), TRACKED("then")),
                  TASK("lines", "error_once", "0", AT_ONCE, TRACKED("once"), "", ""),
                  INCREMENT("a", "2")));
}

/* ---- what the tick moves ----------------------------------------------------------- */

static void due(struct stage *stage)
{
    act_schedule(stage,
                 JOBS("R1 one 0 0\n" INCREMENT("a", "1"),
                      "R1 two 0 1\n" INCREMENT("a", "1"),
                      "R1 three 0 0 t=1\n" INCREMENT("b", "1")),
                 0);
    DO(stage, "HSET", stage->queue.meta, "retrying", "1");
}

static void reserve(struct stage *stage, const char *lease, int jobs)
{
    script_reserve(&stage->client.cmd, &stage->queue, lease, jobs, 1000,
                   LIMIT_LEASE_BYTES, 0);
    past_call(&stage->client);
    DO(stage, "ZADD", stage->queue.lease, "XX", "1000", lease);
}

/* Two leases of workers that were killed; of one job it is the second time, and it will
 * run alone. The fleet was never silent. */
static void killed(struct stage *stage)
{
    act_push(stage, &stage->queue,
             JOBS(INCREMENT("a", "1"), INCREMENT("b", "1"), INCREMENT("a", "1"),
                  "R1 again 1 0 t=1\n" INCREMENT("b", "1")));
    reserve(stage, "gone:1", 3);
    reserve(stage, "gone:2", 1);
    const struct redisReply *time = DO(stage, "TIME");
    char seen[32];
    snprintf(seen, sizeof seen, "%lld000", (long long)reply_int(reply_at(time, 0), 0));
    DO(stage, "HSET", stage->queue.meta, "seen", seen);
}

/* ---- whole fleets ------------------------------------------------------------------ */

static void two_queues(struct stage *stage)
{
    increments(stage);
    act_push(stage, &stage->other, JOBS(INCREMENT("a", "1"), INCREMENT("a", "1")));
    act_schedule(stage, JOBS("R1 late 0 0\n" INCREMENT("late", "1")), 30);
}

static int ring(struct stage *stage)
{
    return act_wait(stage, JOBS(INCREMENT("a", "1"), INCREMENT("a", "1")), 2);
}

static int reload(struct stage *stage)
{
    return act_reload(stage, JOBS(INCREMENT("a", "1"), INCREMENT("b", "1")), 2);
}

static void forget(struct stage *stage)
{
    increments(stage);
    DO(stage, "SCRIPT", "FLUSH");
}

/* A RESERVE that has not reached Redis when its connection is given up. */
static const struct wire_fault late_reserve = {.word = "SADD",
                                               .from = WIRE_CLIENT,
                                               .unit = WIRE_EDGES,
                                               .after = 3, /* behind SADD */
                                               .kind = WIRE_LATE,
                                               .times = 1};

#define COUNTED "jobs=6 ended=6 a=3 b=11 c=-7"
#define TASKS_DONE                                                                       \
    "jobs=18 ended=18 retry=1 failures=1 a=3 exec=1 late=4 lines=3 pushed=4 then=40 "    \
    "record=state:done:result:{\"by\":10} "                                              \
    "pushed=queued,done late=scheduled,done then=queued,done once=queued,done"

const struct scene scenes[] = {
    {"push", nothing, push, "jobs=1 waiting=1"},
    {"later", nothing, push_later, "jobs=1 sched=1"},
    {"bulk", nothing, push_bulk_of, "jobs=1001 waiting=1001"},
    {"increment", increments, act_drain, COUNTED},
    {"mixed", mixed, act_drain,
     "jobs=8 ended=6 dead=1 bad=1 failures=1 a=3 full=9223372036854775807 then=1 "
     "copy=a-page copy=a-page then=queued,done"},
    {"refresh", refreshes, act_drain,
     "jobs=4 ended=4 then=2 copy=a-page then=queued,done once=queued,done"},
    {"retry", failing, act_drain, "jobs=1 ended=1 retry=1 failures=1 copy=a-page"},
    {"tasks", tasks, act_drain_tasks, TASKS_DONE},
    {"promote", due, act_drain, "jobs=3 ended=3 a=2 b=1"},
    {"reap", killed, act_drain, "jobs=4 ended=4 recovered=4 a=2 b=2"},
    {"drain", two_queues, act_drain_both, "jobs=7 ended=7 a=3 b=11 c=-7 late=1",
     .other = "jobs=2 ended=2 a=2"},
    {"bell", nothing, ring, "jobs=2 ended=2 a=2", .word = "BLMOVE"},
    {"rung", nothing, ring, "jobs=2 ended=2 a=2"},
    {"replaced", nothing, reload, "jobs=6 ended=6 a=3 b=3"},
    {"reload", nothing, reload, "jobs=6 ended=6 a=3 b=3", .skip = 1},
    {"greeting", increments, act_drain, COUNTED, .word = "leat-worker",
     .already = &late_reserve},
    {"forgotten", forget, act_drain, COUNTED},
    {0},
};
