/* SPDX-License-Identifier: MIT */
#include "run.h"
#include "books.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The wire has a thread of its own: commands of the product run loops of their own, and
 * wait in them. */
struct live_wire {
    struct wire wire;
    pthread_t thread;
    int stop[2]; /* a pipe; closed at one end, it stops the thread */
};

static void *pass_on(void *arg)
{
    struct live_wire *live = arg;
    while (wire_turn(&live->wire, live->stop[0]) == 0)
        ;
    return NULL;
}

static void start(struct live_wire *live, const char *path)
{
    if (wire_open(&live->wire, path) != 0 || pipe2(live->stop, O_CLOEXEC) != 0 ||
        pthread_create(&live->thread, NULL, pass_on, live) != 0) {
        perror(path);
        abort();
    }
}

static void stop(struct live_wire *live)
{
    close(live->stop[1]);
    pthread_join(live->thread, NULL);
    close(live->stop[0]);
    wire_close(&live->wire);
}

static void set_faults(struct wire *wire, const struct scene *scene,
                       const struct wire_fault *fault)
{
    if (scene->already != NULL)
        wire->fault[wire->fault_count++] = *scene->already;
    struct wire_fault *last = &wire->fault[wire->fault_count++];
    *last = *fault;
    last->word = scene->word != NULL ? scene->word : "SADD";
    last->skip = scene->skip;
}

static int check(struct stage *stage, const struct queue *queue, const char *want)
{
    struct buf got = {0};
    books_read(&got, &stage->client, queue);
    int same = strcmp(buf_text(&got), want) == 0;
    if (!same)
        fprintf(stderr, "queue %s\n  wanted %s\n  got    %s\n", queue->name, want,
                buf_text(&got));
    books_burn(&stage->client, queue);
    buf_fini(&got);
    return same;
}

enum run_verdict run_one(struct stage *stage, const struct scene *scene,
                         const struct wire_fault *fault, int64_t number)
{
    struct live_wire live = {.wire.to = stage->redis};
    char name[32];
    snprintf(name, sizeof name, "q%07lld", (long long)number);
    queue_init(&stage->queue, name, NULL);
    name[0] = 'r';
    queue_init(&stage->other, name, NULL);
    set_faults(&live.wire, scene, fault);
    scene->prepare(stage);
    start(&live, stage->wire);
    int status = scene->act(stage);
    stop(&live);
    int right = check(stage, &stage->queue, scene->want);
    right &= check(stage, &stage->other, scene->other != NULL ? scene->other : "");
    if (status != 0)
        fprintf(stderr, "it ended with %d\n", status);
    if (status != 0 || !right)
        return RUN_WRONG;
    return live.wire.failures > (scene->already != NULL) ? RUN_CUT : RUN_WHOLE;
}
