/* SPDX-License-Identifier: MIT */
#include "worker/title.h"

#include <bsd/unistd.h>
#include <string.h>
#include <unistd.h>

enum { QUEUES_SHOWN = 5 };

void title_init(int argc, char **argv)
{
    setproctitle_init(argc, argv, environ);
}

void title_set(const char *title)
{
    setproctitle("-%s", title);
}

void title_add_queues(struct buf *title, const struct worker_config *config)
{
    buf_addc(title, '[');
    for (int i = 0; i < config->queue_count && i < QUEUES_SHOWN; i++)
        buf_addf(title, "%s%s", i > 0 ? "," : "", config->queues[i]);
    buf_adds(title, config->queue_count > QUEUES_SHOWN ? ",...]" : "]");
}
