/* SPDX-License-Identifier: MIT */
/* What the steps of the random walk share: the jobs pushed, the leases in the hands of
 * simulated workers, and what must have come of it. There is one in a program: `walk`. */
#ifndef LEAT_TESTS_BROKER_WALK_H
#define LEAT_TESTS_BROKER_WALK_H

#include "rig.h"

enum {
    STEPS = 1500,
    WORKERS = 3,
    COUNTERS = 4,
    BROKEN = 3, /* this one holds no integer */
    COPIES = 3, /* cache keys */
    LEASE_JOBS = 8,
    LEASES = 40,
    SENT = 64,
    JOBS = STEPS * 6,
};

enum fate { WAITS, ENDED };

struct lease {
    char id[24];
    int is_flight, copy;
    int jobs;
    const char *entry[LEASE_JOBS];
};

/* A command that was answered: sent again, it must not change anything. */
struct sent {
    const struct script *script;
    const char **word;
    int count;
};

struct walk {
    uint64_t random;
    int64_t sums[COUNTERS];
    struct lease leases[LEASES];
    int lease_count, lease_next, job_next;
    struct sent sent[SENT];
    int sent_count;
    unsigned char fate[JOBS];
};

extern struct rig rig;
extern struct walk walk;

/* A number from 0 to bound - 1, as the seed has it. */
int walk_below(int bound);

/* The number of the job in an entry. */
int walk_number_of(const char *raw);
void walk_end_job(int number);

/* Write an id that no lease ever had. */
const char *walk_next_id(char out[24]);

/* Nobody has it in hand any more; in Redis it may still be. */
void walk_drop_lease(int i);

/* Some words of a command. */
#define ADD(...) walk_add_words((const char *const[]){__VA_ARGS__, NULL})
void walk_add_words(const char *const *words);

/* Send the command put together, and keep it to be sent again. */
const struct redisReply *walk_send(void);

/* The step that ends a lease of jobs that are no flights. */
void walk_settle(void);

#endif
