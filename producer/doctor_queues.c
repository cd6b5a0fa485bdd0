/* SPDX-License-Identifier: MIT */
#include "doctor.h"
#include "look.h"
#include "schema/queue.h"

#include <stdio.h>
#include <string.h>

/* ---- types of keys ----------------------------------------------------------------- */

struct key_kind {
    const char *key; /* of a key that is no queue's */
    size_t offset;   /* in struct queue, of one that is */
    const char *want;
};

#define OWN(member, want)                                                                \
    {                                                                                    \
        NULL, offsetof(struct queue, member), want                                       \
    }

static const struct key_kind shared_kinds[] = {
    {QUEUES_KEY, 0, "set"},
    {WORKERS_KEY, 0, "hash"},
};

static const struct key_kind queue_kinds[] = {
    OWN(list, "list"),  OWN(high, "list"),  OWN(staging, "list"),  OWN(suspects, "list"),
    OWN(bad, "list"),   OWN(lease, "zset"), OWN(body, "hash"),     OWN(sched, "zset"),
    OWN(dead, "zset"),  OWN(meta, "hash"),  OWN(counters, "hash"), OWN(slot, "hash"),
    OWN(again, "hash"), OWN(ctl, "stream"), OWN(fail, "list"),
};

enum {
    SHARED_KINDS = sizeof shared_kinds / sizeof *shared_kinds,
    QUEUE_KINDS = sizeof queue_kinds / sizeof *queue_kinds,
};

/* The answers of one pipeline; `wrong` counts those that were not as they should be. */
struct types {
    struct doctor *doctor;
    int due, done, wrong;
};

struct type_check {
    struct types *types;
    const char *key, *want;
};

static void on_type(void *arg, struct answer *answer)
{
    struct type_check *check = arg;
    struct types *types = check->types;
    struct bytes kind = reply_bytes(answer->reply);
    if (answer->code != LEAT_OK) {
        types->wrong++;
        doctor_say(types->doctor, FINDING_FAIL, "types", "%s: %s", check->key,
                   answer->text);
    } else if (!bytes_is(kind, "none") && !bytes_is(kind, check->want)) {
        types->wrong++;
        doctor_say(types->doctor, FINDING_FAIL, "types",
                   "%s holds a %.*s, expected a %s; rename or delete it", check->key,
                   (int)kind.len, kind.at, check->want);
    }
    types->done = --types->due == 0;
}

static void ask_type(struct types *types, const char *key, const char *want)
{
    struct doctor *doctor = types->doctor;
    struct type_check *check = arena_alloc(&doctor->arena, sizeof *check);
    *check = (struct type_check){types, arena_dup(&doctor->arena, bytes_of(key)), want};
    cmd_set(&doctor->client.cmd, "TYPE", key, NULL);
    if (link_send(doctor->client.link, &doctor->client.cmd, 0, 0, on_type, check) ==
        LEAT_OK)
        types->due++;
}

/* Wait for the pipeline. Returns whether all keys are of their types. */
static int types_are_right(struct types *types)
{
    struct err err = {0};
    if (types->due > 0 && client_wait(&types->doctor->client, &types->done, &err) != 0)
        doctor_say(types->doctor, FINDING_FAIL, "types", "%s", err.text);
    return types->wrong == 0 && err.code == LEAT_OK;
}

static int check_shared_types(struct doctor *doctor)
{
    struct types types = {.doctor = doctor};
    for (int i = 0; i < SHARED_KINDS; i++)
        ask_type(&types, shared_kinds[i].key, shared_kinds[i].want);
    return types_are_right(&types);
}

static void check_queue_types(struct doctor *doctor, const struct overview *overview)
{
    struct types types = {.doctor = doctor};
    for (int i = 0; i < overview->queue_count; i++) {
        struct queue queue;
        queue_init(&queue, overview->queues[i].name, NULL);
        for (int k = 0; k < QUEUE_KINDS; k++)
            ask_type(&types, (const char *)&queue + queue_kinds[k].offset,
                     queue_kinds[k].want);
    }
    if (types_are_right(&types))
        doctor_say(doctor, FINDING_OK, "types",
                   "the keys of %d queues are as they should be", overview->queue_count);
}

/* ---- what is wrong in the queues --------------------------------------------------- */

static void check_alarms(struct doctor *doctor, const struct overview *overview)
{
    int said = 0;
    for (int i = 0; i < overview->alarm_count; i++) {
        const struct overview_alarm *alarm = &overview->alarms[i];
        if (strcmp(alarm->code, "wrong_type") == 0)
            continue; /* the check of the types tells more */
        said = 1;
        doctor_say(doctor, FINDING_WARN, alarm->code, "%s", alarm->text);
    }
    if (!said)
        doctor_say(doctor, FINDING_OK, "workers",
                   "no queue waits for a worker or a handler; %d workers are known",
                   overview->worker_count);
}

static void check_rest(struct doctor *doctor, const struct overview *overview)
{
    int64_t total = 0;
    for (int i = 0; i < overview->queue_count; i++) {
        const struct overview_queue *queue = &overview->queues[i];
        total += queue->dead + queue->bad;
        if (queue->dead > 0)
            doctor_say(doctor, FINDING_WARN, "dead",
                       "%lld dead jobs in the queue %s; see leat job ls -q %s",
                       (long long)queue->dead, queue->name, queue->name);
        if (queue->bad > 0)
            doctor_say(doctor, FINDING_WARN, "bad",
                       "%lld entries of the queue %s are no jobs; see leat job ls "
                       "--state bad -q %s",
                       (long long)queue->bad, queue->name, queue->name);
    }
    if (total == 0)
        doctor_say(doctor, FINDING_OK, "dead", "no dead jobs, nothing in quarantine");
}

void doctor_queues(struct doctor *doctor)
{
    struct err err = {0};
    if (!check_shared_types(doctor))
        return;
    if (look(&doctor->client, &doctor->overview, &err) != LEAT_OK) {
        doctor_say(doctor, FINDING_FAIL, "queues", "%s", err.text);
        return;
    }
    check_queue_types(doctor, &doctor->overview);
    check_alarms(doctor, &doctor->overview);
    check_rest(doctor, &doctor->overview);
}
