/* SPDX-License-Identifier: MIT */
#include "worker/bell.h"
#include "base/clock.h"
#include "base/log.h"
#include "worker/lease.h"
#include "broker/script_call.h"

#include <stdlib.h>

enum {
    BLOCK_MS = 5000,
    TTL_MS = 3000, /* of the one job it reserves: long enough to arrive */
};

struct bell {
    struct feed *feed;
    struct link *link;
    int high;
    int failed;          /* the blocking command did not block */
    struct lease *lease; /* asked for behind the blocking command; NULL when not armed */
    char
        lost[LIMIT_LEASE_ID_BYTES + 1]; /* to give back once the old connection is dead */
};

static void on_up(void *arg)
{
    struct bell *bell = arg;
    if (bell->lost[0] != '\0')
        feed_release(bell->feed, bell->lost);
    bell->lost[0] = '\0';
    feed_wake(bell->feed);
}

static void on_fatal(void *arg, const struct err *err)
{
    struct bell *bell = arg;
    worker_fail(bell->feed->worker, err);
}

struct bell *bell_new(struct feed *feed, int high)
{
    struct bell *bell = xcalloc(1, sizeof *bell);
    bell->feed = feed;
    bell->high = high;
    struct link_config config = {.url = feed->worker->config->url,
                                 .name = "leat-bell",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = bell,
                                 .on_up = on_up,
                                 .on_fatal = on_fatal};
    bell->link = link_new(feed->worker->loop, &config);
    return bell;
}

void bell_free(struct bell *bell)
{
    if (bell == NULL)
        return;
    link_free(bell->link);
    free(bell);
}

static void on_blocked(void *arg, struct answer *answer)
{
    struct bell *bell = arg;
    bell->failed = answer->code != LEAT_OK;
}

static void on_reserved(void *arg, struct answer *answer)
{
    struct bell *bell = arg;
    struct feed *feed = bell->feed;
    struct lease *lease = bell->lease;
    bell->lease = NULL;
    if (answer->code == LEAT_OK) {
        if (lease_reserved(lease, answer) == 0)
            lease_free(lease);
        else
            feed_wake(feed); /* where one was there may be more */
    } else {
        if (answer->code == LEAT_ELINK)
            __builtin_memcpy(bell->lost, lease->id, sizeof bell->lost);
        lease_free(lease);
        if (answer->code != LEAT_ELINK)
            feed_refused(feed, answer);
    }
    if (bell->failed && feed->state == FEED_IDLE)
        feed_rest(feed, 200); /* out of memory, say: look now and then instead */
    worker_pump(feed->worker);
}

void bell_arm(struct bell *bell)
{
    struct feed *feed = bell->feed;
    struct cmd *cmd = &feed->worker->cmd;
    if (bell->lease != NULL || !link_is_up(bell->link))
        return;
    int64_t ttl_ms =
        feed->worker->config->lease_ms < TTL_MS ? feed->worker->config->lease_ms : TTL_MS;
    bell->lease = lease_new(feed, 1, ttl_ms);
    bell->lease->deadline_mono_ms += BLOCK_MS; /* it begins when the bell rings */
    bell->failed = 0;
    cmd_set(cmd, "BLMOVE", bell->high ? feed->queue.high : feed->queue.list,
            feed->queue.staging, "RIGHT", bell->high ? "RIGHT" : "LEFT", NULL);
    cmd_add_int(cmd, BLOCK_MS / 1000);
    link_send(bell->link, cmd, 0, BLOCK_MS + LINK_PATIENCE_MS, on_blocked, bell);
    call_reserve(cmd, &feed->queue, bell->lease->id, 1, ttl_ms, LIMIT_LEASE_BYTES, 0);
    link_send(bell->link, cmd, 0, BLOCK_MS + LINK_PATIENCE_MS, on_reserved, bell);
}

int bell_is_armed(const struct bell *bell)
{
    return bell != NULL && bell->lease != NULL;
}

static void on_killed(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    (void)answer;
    feed->worker->releasing--;
    worker_pump(feed->worker);
}

void bell_hang_up(struct bell *bell)
{
    struct worker *worker = bell->feed->worker;
    int64_t client_id = link_client_id(bell->link);
    if (bell->lost[0] != '\0')
        feed_release(bell->feed, bell->lost);
    if (bell->lease == NULL)
        return;
    cmd_set(&worker->cmd, "CLIENT", "KILL", "ID", NULL);
    cmd_add_int(&worker->cmd, client_id);
    if (client_id != 0 &&
        link_send(worker->link, &worker->cmd, 0, 0, on_killed, bell->feed) == LEAT_OK)
        worker->releasing++;
    feed_release(bell->feed, bell->lease->id);
    lease_free(bell->lease);
    bell->lease = NULL;
    link_free(bell->link);
    bell->link = NULL;
}
