/* SPDX-License-Identifier: MIT */
/* What fsck.c and fsck_sums.c share. */
#ifndef LEAT_BROKER_FSCK_INSIDE_H
#define LEAT_BROKER_FSCK_INSIDE_H

#include "broker/fsck.h"

struct fsck {
    struct client *client;
    const struct queue *queue;
    fsck_fn fn;
    void *arg;
    const char *check; /* of the last finding, as its level */
    enum fsck_level level;
    int said;          /* findings of that check */
    int64_t looked_at; /* things of all kinds */
    int64_t unjudged;
    struct arena arena; /* of one entry */
};

/* Say what a check found. `check` is a constant; each has its findings in one row. */
void fsck_say(struct fsck *fsck, enum fsck_level level, const char *check,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The numbers of AUDIT's reply, in its order; -1 where it did not count. */
struct fsck_audit {
    int64_t waiting, leases, bodies, in_bodies, scheduled, with_fails, dead, bad;
    int64_t far_leases, far_scheduled, far_dead;
    const struct redisReply *meta; /* :m as a flat list; borrowed */
};

/* Read AUDIT's reply. Returns 0, or -1 when it has not its shape. */
int fsck_sums_read(struct fsck_audit *audit, const struct redisReply *reply);

/* Say which sums do not hold. */
void fsck_sums_judge(struct fsck *fsck, const struct fsck_audit *audit);

#endif
