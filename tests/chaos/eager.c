/* SPDX-License-Identifier: MIT */
/* A mutant, for tests only: the follow-ups of a job are pushed by plain commands, before
 * the step that ends the job, and whether or not that step is let in. */
#include "worker/feed.h"
#include "worker/outcome.h"

void __real_outcome_add(struct settlement *settlement, struct call *call);
void __wrap_outcome_add(struct settlement *settlement, struct call *call);

static void on_pushed(void *arg, struct answer *answer)
{
    (void)arg, (void)answer;
}

void __wrap_outcome_add(struct settlement *settlement, struct call *call)
{
    struct worker *worker = call->attempt.feed->worker;
    for (int i = 0; i < call->answer.push_count; i++) {
        cmd_set(&worker->cmd, "LPUSH", call->attempt.feed->queue.list, NULL);
        cmd_add(&worker->cmd, call->answer.push[i].payload);
        link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_pushed,
                  NULL);
    }
    call->answer.push_count = 0;
    __real_outcome_add(settlement, call);
}
