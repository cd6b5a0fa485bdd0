/* SPDX-License-Identifier: MIT */
/* Generations of all queues come from one count, so each is somebody's once: a mark alone
 * says which queue it was made for, and one from before everything was dropped fits no
 * queue. */
#include "dashboard/near.h"
#include "base/clock.h"
#include "base/log.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUES_MAX = 16, /* Redis compares each key that is written with that of each queue */
    COUNTERS_MAX = 10000,
    NAMES_MAX_BYTES = 1024 * 1024,
    DIGITS_MAX = 20, /* of an int64, with its sign */
    AGE_MAX_MS = 1000,
    UNREAD_MAX = 1000, /* messages in a row while nobody reads */
};

struct near_counter {
    struct bytes name;
    uint64_t generation;
    int64_t at_mono_ms;
    size_t digits_len;
    char digits[DIGITS_MAX];
};

struct near_queue {
    char key[QUEUE_KEY_BYTES];
    uint64_t generation;
    void *counters; /* tsearch() tree of struct near_counter */
};

struct near {
    struct link *reader, *ear;
    struct cmd cmd;
    int is_subscribed, is_refused, is_told;
    int unread_count;
    struct near_queue queue[QUEUES_MAX]; /* those that Redis was asked to tell of */
    int queue_count;
    uint64_t generation; /* the newest of any */
    size_t counter_count, name_bytes;
};

/* ---- what is kept ------------------------------------------------------------------ */

static void drop_all(struct near *near)
{
    for (int i = 0; i < near->queue_count; i++)
        tdestroy(near->queue[i].counters, free);
    near->queue_count = 0;
    near->counter_count = near->name_bytes = 0;
}

static struct near_queue *find_queue(struct near *near, struct bytes key)
{
    for (int i = 0; i < near->queue_count; i++)
        if (bytes_is(key, near->queue[i].key))
            return &near->queue[i];
    return NULL;
}

static struct near_queue *find_marked(struct near *near, uint64_t mark)
{
    for (int i = 0; i < near->queue_count; i++)
        if (near->queue[i].generation == mark)
            return &near->queue[i];
    return NULL;
}

static void make_old(struct near *near, struct near_queue *queue)
{
    if (queue != NULL)
        queue->generation = ++near->generation;
}

static int by_name(const void *a, const void *b)
{
    struct bytes x = ((const struct near_counter *)a)->name;
    struct bytes y = ((const struct near_counter *)b)->name;
    if (x.len != y.len)
        return x.len < y.len ? -1 : 1;
    return memcmp(x.at, y.at, x.len);
}

static struct near_counter *find_counter(const struct near_queue *queue,
                                         struct bytes name)
{
    struct near_counter wanted = {.name = name};
    void *node = tfind(&wanted, &queue->counters, by_name);
    return node != NULL ? *(struct near_counter **)node : NULL;
}

static struct near_counter *add_counter(struct near *near, struct near_queue *queue,
                                        struct bytes name)
{
    struct near_counter *counter = xmalloc(sizeof *counter + name.len);
    char *text = (char *)(counter + 1);
    memcpy(text, name.at, name.len);
    counter->name = (struct bytes){text, name.len};
    if (tsearch(counter, &queue->counters, by_name) == NULL)
        abort(); /* out of memory: the only way it fails */
    near->counter_count++;
    near->name_bytes += name.len;
    return counter;
}

/* ---- what Redis is asked and tells ------------------------------------------------- */

static void refuse(struct near *near, const char *why)
{
    drop_all(near);
    near->is_refused = 1;
    if (!near->is_told)
        log_info("counters are not kept near: Redis refuses to tell of changes",
                 log_text("err", why));
    near->is_told = 1;
}

static void on_tracking(void *arg, struct answer *answer)
{
    if (answer->code != LEAT_OK && answer->code != LEAT_ELINK)
        refuse(arg, answer->text);
}

static void send_tracking(struct near *near)
{
    link_send(near->reader, &near->cmd, 0, 0, on_tracking, near);
}

static void be_quiet(struct near *near)
{
    cmd_set(&near->cmd, "CLIENT", "TRACKING", "OFF", NULL);
    send_tracking(near);
}

/* Have Redis tell of one more queue. No need to wait for its consent: it comes before the
 * answer to the read that is sent behind this, and a refusal drops the queue again. */
static struct near_queue *track(struct near *near, const char *key)
{
    if (near->queue_count == QUEUES_MAX)
        drop_all(near);
    if (near->queue_count == 0)
        be_quiet(near); /* of what it tells us still, maybe to an ear that is no more */
    cmd_set(&near->cmd, "CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", key, "REDIRECT",
            NULL);
    cmd_add_int(&near->cmd, link_client_id(near->ear));
    send_tracking(near);
    struct near_queue *queue = &near->queue[near->queue_count++];
    *queue = (struct near_queue){.generation = ++near->generation};
    memcpy(queue->key, key, strlen(key));
    return queue;
}

static void on_changed(struct near *near, const struct redisReply *keys)
{
    for (size_t i = 0; i < reply_count(keys); i++)
        make_old(near, find_queue(near, reply_bytes(reply_at(keys, i))));
    if (reply_is_nil(keys)) /* all keys, by FLUSHALL */
        drop_all(near);
    if (++near->unread_count < UNREAD_MAX || near->queue_count == 0)
        return;
    drop_all(near);
    be_quiet(near);
}

static void on_message(void *arg, struct answer *answer)
{
    struct near *near = arg;
    if (answer->code == LEAT_ELINK)
        return; /* on_ear_down() */
    if (answer->code != LEAT_OK)
        refuse(near, answer->text);
    else if (near->is_subscribed)
        on_changed(near, reply_at(answer->reply, 2));
    near->is_subscribed = 1; /* says the first */
}

static void on_ear_up(void *arg)
{
    struct near *near = arg;
    near->is_refused = 0;
    cmd_set(&near->cmd, "SUBSCRIBE", "__redis__:invalidate", NULL);
    link_send(near->ear, &near->cmd, LINK_STREAM, 0, on_message, near);
}

static void on_ear_down(void *arg, const char *why)
{
    (void)why;
    struct near *near = arg;
    near->is_subscribed = 0;
    drop_all(near);
}

/* ---- for the counter service ------------------------------------------------------- */

int near_find(struct near *near, const struct queue *queue, struct bytes name,
              struct bytes *text)
{
    near->unread_count = 0;
    link_poll(near->ear);
    const struct near_queue *found = find_queue(near, bytes_of(queue->counters));
    if (found == NULL)
        return -1;
    const struct near_counter *counter = find_counter(found, name);
    if (counter == NULL || counter->generation != found->generation ||
        clock_mono_ms() - counter->at_mono_ms > AGE_MAX_MS ||
        !link_is_whole(near->reader))
        return -1;
    *text = (struct bytes){counter->digits, counter->digits_len};
    return 0;
}

uint64_t near_mark(struct near *near, const struct queue *queue)
{
    if (!near->is_subscribed || near->is_refused || link_client_id(near->ear) == 0 ||
        !link_is_up(near->reader))
        return 0;
    struct near_queue *found = find_queue(near, bytes_of(queue->counters));
    if (found == NULL)
        found = track(near, queue->counters);
    return found->generation;
}

void near_keep(struct near *near, uint64_t mark, struct bytes name, struct bytes text)
{
    struct near_queue *queue = find_marked(near, mark);
    if (queue == NULL || text.len > DIGITS_MAX)
        return;
    struct near_counter *counter = find_counter(queue, name);
    if (counter == NULL) {
        if (near->counter_count == COUNTERS_MAX ||
            near->name_bytes + name.len > NAMES_MAX_BYTES) {
            drop_all(near);
            return;
        }
        counter = add_counter(near, queue, name);
    }
    counter->generation = mark;
    counter->at_mono_ms = clock_mono_ms();
    counter->digits_len = text.len;
    memcpy(counter->digits, text.at, text.len);
}

void near_change(struct near *near, const struct queue *queue)
{
    make_old(near, find_queue(near, bytes_of(queue->counters)));
}

/* ---- life -------------------------------------------------------------------------- */

struct near *near_new(struct ev_loop *loop, struct link *reader,
                      const struct redis_url *url)
{
    struct near *near = xcalloc(1, sizeof *near);
    struct link_config config = {.url = *url,
                                 .name = "leat-dashboard-near",
                                 .serving = 1,
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = near,
                                 .on_up = on_ear_up,
                                 .on_down = on_ear_down};
    near->reader = reader;
    near->ear = link_new(loop, &config);
    return near;
}

void near_lose(struct near *near)
{
    if (near != NULL)
        drop_all(near);
}

void near_free(struct near *near)
{
    if (near == NULL)
        return;
    drop_all(near);
    link_free(near->ear);
    cmd_fini(&near->cmd);
    free(near);
}
