/* SPDX-License-Identifier: MIT */
/* A lease: jobs in hand under one id and one deadline. It is reserved, opened, sorted
 * into outcomes and settled; it ends once, whole. */
#ifndef LEAT_WORKER_LEASE_H
#define LEAT_WORKER_LEASE_H

#include "worker/feed.h"
#include "worker/joblog.h"

struct attempt;
struct call;

/* A job that dies if its counter refuses: only the settle's answer tells. */
struct trial {
    struct trial *next;
    int index;         /* in the lease */
    struct joblog job; /* `err` is what it would die of */
};

struct lease {
    struct lease *next, **link_here; /* in worker->leases */
    struct feed *feed;
    char id[LIMIT_LEASE_ID_BYTES + 1];
    int64_t deadline_mono_ms;              /* no job of it starts later */
    int64_t sent_mono_ms, settled_mono_ms; /* its reserve, its settle */
    int64_t budget_bytes;
    int asked, jobs;
    struct handler *handler; /* whose room `asked` is; or NULL */
    int solo;                /* reserved with_suspect */
    int lost;                /* begun ahead, and it is not ours */
    int64_t reserved_us;     /* Redis TIME of its reserve */
    struct bytes *entries;   /* `jobs` of them, in `body` */
    struct redisReply *body;
    struct arena arena;
    struct tally *refused;  /* counters that were refused as sums, and why */
    int no_room;            /* at maxmemory: what needs memory is put off */
    struct attempt *claims; /* flights waiting for the settle's verdicts, in order */
    struct call *calls, *last_call; /* users' jobs, in order; a run takes them over */
    int call_count;
    int rung;                             /* begun ahead, and not confirmed yet */
    char stays[LIMIT_LEASE_ID_BYTES + 1]; /* where the settle moves them */
    /* What is told, and counted, when the settle is answered. */
    struct joblog_list told;
    struct trial *trials, **trials_end; /* in order */
    int done, died;
};

/* A lease to be asked for; the id is new. Owns: itself, until it ended. */
struct lease *lease_new(struct feed *feed, int jobs_max, int64_t ttl_ms);

/* Ask for it on the worker's link. */
void lease_reserve(struct lease *lease, int with_suspect);

/* A bell moved an entry to staging, and `answer` has its bytes: work on it at once. Its
 * lease is asked for in front of the settle, in one pipeline; if another worker was
 * quicker, both come to nothing. */
void lease_rung(struct feed *feed, struct answer *answer);

/* The last part of a lease of `ttl_ms`, in which nothing starts any more. */
int64_t lease_margin_ms(int64_t ttl_ms);

/* Somebody cancelled jobs of that id: those that would begin with Redis' answer end then.
 * Returns how many there are. */
int lease_cancel(const struct lease *lease, struct bytes id);

/* Forget it without a word to Redis. */
void lease_free(struct lease *lease);

#endif
