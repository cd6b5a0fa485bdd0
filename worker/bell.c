/* SPDX-License-Identifier: MIT */
#include "worker/bell.h"
#include "base/clock.h"
#include "worker/lease.h"

#include <stdlib.h>

enum {
    BLOCK_MS = 5000,
    REFUSED_REST_MS = 200,
};

struct bell {
    struct feed *feed;
    struct link *link; /* NULL once hung up */
    int high;
    int armed;
    int64_t blocked_mono_ms; /* when it was last seen to block, or to have blocked */
};

static void on_up(void *arg)
{
    struct bell *bell = arg;
    feed_wake(bell->feed);
}

static void on_fatal(void *arg, const struct err *err)
{
    struct bell *bell = arg;
    worker_fail(bell->feed->worker, err);
}

void bell_connect(struct bell *bell)
{
    struct worker *worker = bell->feed->worker;
    struct link_config config = {.url = worker->config->url,
                                 .name = "leat-bell",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = bell,
                                 .on_up = on_up,
                                 .on_fatal = on_fatal};
    if (bell->link == NULL)
        bell->link = link_new(worker->loop, &config);
}

struct bell *bell_new(struct feed *feed, int high)
{
    struct bell *bell = xcalloc(1, sizeof *bell);
    bell->feed = feed;
    bell->high = high;
    bell_connect(bell);
    return bell;
}

void bell_free(struct bell *bell)
{
    if (bell == NULL)
        return;
    link_free(bell->link);
    free(bell);
}

static void on_rung(void *arg, struct answer *answer)
{
    struct bell *bell = arg;
    struct feed *feed = bell->feed;
    bell->armed = 0;
    if (answer->code == LEAT_OK)
        bell->blocked_mono_ms = clock_mono_ms();
    if (answer->code == LEAT_OK && !reply_is_nil(answer->reply))
        lease_rung(feed, answer);
    else if (answer->code != LEAT_OK && answer->code != LEAT_ELINK &&
             feed->state == FEED_IDLE)
        feed_rest(feed, REFUSED_REST_MS); /* out of memory, say: look now and then */
    worker_pump(feed->worker);
}

void bell_arm(struct bell *bell)
{
    struct feed *feed = bell->feed;
    struct cmd *cmd = &feed->worker->cmd;
    if (bell->armed || !link_is_up(bell->link))
        return;
    cmd_set(cmd, "BLMOVE", bell->high ? feed->queue.high : feed->queue.list,
            feed->queue.staging, "RIGHT", "LEFT", NULL);
    cmd_add_int(cmd, BLOCK_MS / 1000);
    bell->armed = link_send(bell->link, cmd, 0, BLOCK_MS + LINK_PATIENCE_MS, on_rung,
                            bell) == LEAT_OK;
    if (bell->armed)
        bell->blocked_mono_ms = clock_mono_ms();
}

int bell_is_armed(const struct bell *bell)
{
    return bell != NULL && bell->armed;
}

int64_t bell_blocked_mono_ms(const struct bell *bell)
{
    return bell != NULL ? bell->blocked_mono_ms : 0;
}

void bell_hang_up(struct bell *bell)
{
    link_free(bell->link);
    bell->link = NULL;
    bell->armed = 0;
}
