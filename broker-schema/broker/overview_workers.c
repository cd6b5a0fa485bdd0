/* SPDX-License-Identifier: MIT */
/* What the workers' records tell of the fleet: who lives, who is lost, whose jobs came
 * back, who lives but fetches nothing. */
#include "broker/overview.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct overview_worker *)a)->id,
                  ((const struct overview_worker *)b)->id);
}

int64_t overview_unfetched_ms(const struct overview *overview,
                              const struct overview_worker *worker)
{
    int64_t ms = overview->at_ms - worker->fetched_ms;
    return worker->lost || worker->fetched_ms == 0 || ms < 0 ? 0 : ms;
}

/* ---- the sentence beside a worker -------------------------------------------------- */

static const char *note_of_living(struct overview *overview,
                                  const struct overview_worker *worker)
{
    int64_t ms = overview_unfetched_ms(overview, worker);
    if (ms <= WORKER_FETCHES_MS)
        return "";
    return arena_printf(&overview->arena, "alive, but has not fetched for %llds",
                        (long long)ms / 1000);
}

static const char *note_of_lost(struct overview *overview,
                                const struct overview_worker *worker)
{
    char at[32] = "";
    time_t at_s = worker->recovered_ms / 1000;
    struct tm parts;
    if (worker->recovered == 0 && worker->held == 0)
        return "it held no jobs";
    if (worker->recovered == 0)
        return arena_printf(&overview->arena,
                            "it held %lld when last seen, none is recovered yet",
                            (long long)worker->held);
    if (gmtime_r(&at_s, &parts) != NULL)
        strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return arena_printf(&overview->arena, "its %lld %s recovered at %s",
                        (long long)worker->recovered,
                        worker->recovered == 1 ? "job was" : "jobs were", at);
}

static void add_note(struct overview *overview, struct overview_worker *worker)
{
    worker->note =
        worker->lost ? note_of_lost(overview, worker) : note_of_living(overview, worker);
}

/* ---- who is who -------------------------------------------------------------------- */

void overview_settle_workers(struct overview *overview, struct overview_worker *read,
                             int count)
{
    struct overview_worker *to;
    overview->workers = to =
        arena_alloc(&overview->arena, ((size_t)count + 1) * sizeof *to);
    if (count > 0)
        qsort(read, (size_t)count, sizeof *read, by_id);
    for (int i = 0; i < count; i++) {
        int64_t silent_ms = overview->at_ms - read[i].seen_ms;
        if (silent_ms > WORKER_FORGOTTEN_MS ||
            (i > 0 && strcmp(read[i].id, read[i - 1].id) == 0))
            continue;
        *to = read[i];
        to->lost = silent_ms > WORKER_ALIVE_MS;
        add_note(overview, to++);
    }
    overview->worker_count = (int)(to - overview->workers);
}

/* `<jobs> <at ms>`; what has another shape is no note. */
static void read_note(struct overview_worker *worker, struct bytes text)
{
    int64_t jobs, at_ms;
    const char *blank = memchr(text.at, ' ', text.len);
    size_t len = blank != NULL ? (size_t)(blank - text.at) : 0;
    if (text_to_int((struct bytes){text.at, len}, &jobs) != 0 ||
        text_to_int((struct bytes){blank + 1, text.len - len - 1}, &at_ms) != 0)
        return;
    worker->recovered = jobs;
    worker->recovered_ms = at_ms;
}

void overview_read_lost(struct overview *overview, const struct redisReply *notes)
{
    size_t next = 0;
    for (int i = 0; i < overview->worker_count; i++) {
        struct overview_worker *worker = &overview->workers[i];
        if (!worker->lost)
            continue;
        read_note(worker, reply_bytes(reply_at(notes, next++)));
        add_note(overview, worker);
    }
}
