/* SPDX-License-Identifier: MIT */
#include "worker/listing.h"
#include "worker/feed.h"
#include "worker/tick.h"
#include "worker/worker.h"

#include <stdio.h>
#include <string.h>

static void forget(struct worker *worker)
{
    worker->listing.count = 0;
}

void listing_renew(struct worker *worker)
{
    forget(worker);
    cmd_set(&worker->cmd, "SADD", QUEUES_KEY, NULL);
    for (int i = 0; i < worker->feed_count; i++)
        cmd_adds(&worker->cmd, worker->feeds[i].queue.name);
    tick_send_quietly(worker, &worker->cmd);
}

static int is_listed(const struct worker *worker, const char *queue)
{
    const struct listing *listing = &worker->listing;
    for (int i = 0; i < listing->count; i++)
        if (strcmp(listing->names[i], queue) == 0)
            return 1;
    for (int i = 0; i < worker->feed_count; i++)
        if (strcmp(worker->feeds[i].queue.name, queue) == 0)
            return 1;
    return 0;
}

/* At maxmemory Redis takes no name, nor the job, which will be tried again. */
static void on_added(void *arg, struct answer *answer)
{
    if (answer->code != LEAT_OK)
        forget(arg);
}

/* Sent as the settle is that follows it: whatever the link does, both come or none. */
void listing_add(struct worker *worker, const char *queue)
{
    struct listing *listing = &worker->listing;
    if (is_listed(worker, queue))
        return;
    if (listing->count == LISTING_MAX)
        forget(worker);
    snprintf(listing->names[listing->count++], sizeof listing->names[0], "%s", queue);
    cmd_set(&worker->cmd, "SADD", QUEUES_KEY, queue, NULL);
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_added, worker);
}
