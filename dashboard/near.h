/* SPDX-License-Identifier: MIT */
/* Counters kept near: one that was read is answered from memory until Redis says that its
 * hash changed. Redis tells by itself (CLIENT TRACKING in broadcasting mode) on a second
 * connection, the ear: hiredis' reader has no RESP3, so the ear subscribes to the channel
 * that Redis redirects such messages to.
 *
 * Why nobody reads an old count. Redis writes the messages of one turn of its loop before
 * the answers of that turn. So when a write was acknowledged to anybody, its message is
 * in our socket already, and near_find() empties the socket before it looks. What must
 * hold besides:
 *
 * - An answer that was on its way while a message came may be older than the change. Each
 *   queue has a generation, which a message raises; an answer is kept under the one at
 *   sending (near_mark()), and found only under that of now.
 * - A write of our own goes the way the reads go, so a read sent behind it sees it. One
 *   sent
 *   before it does not, and Redis may be far away, its message still on the wire: so
 *   near_change() raises the generation too, when the write is sent.
 * - Redis forgets what to tell when either connection ends. All is dropped when one is
 *   lost,
 *   and nothing is found once Redis hung up, before the loop has noticed.
 * - A network can break without telling. Nothing is found that is older than a second.
 *
 * With Redis on another machine a message may be slower than an acknowledgement to a
 * third party by what their ways differ; FLUSHALL and FLUSHDB are told about a few
 * microseconds late.
 *
 * A Redis that refuses any of it costs nothing but the speed: nothing is found. Who
 * writes much and reads little costs Redis nothing either: it is told to be quiet after a
 * while. */
#ifndef LEAT_DASHBOARD_NEAR_H
#define LEAT_DASHBOARD_NEAR_H

#include "broker/link.h"
#include "schema/queue.h"

struct near;

/* Open the ear. `reader` is the link that counters are read and written on; borrowed.
 * Owns: the caller frees with near_free() before the link. */
struct near *near_new(struct ev_loop *loop, struct link *reader,
                      const struct redis_url *url);

/* Close and free; accepts NULL. */
void near_free(struct near *near);

/* The reader was lost: drop all. Accepts NULL. */
void near_lose(struct near *near);

/* Find a counter. Returns 0 and its text, borrowed until the next call of any of these,
 * or -1.
 * Calls: not from a callback of the ear's; it reads the ear. */
int near_find(struct near *near, const struct queue *queue, struct bytes name,
              struct bytes *text);

/* Mark the moment before a counter of this queue is asked for on the reader, right after
 * this. Returns what near_keep() wants; 0: nothing can be kept. */
uint64_t near_mark(struct near *near, const struct queue *queue);

/* Keep the answer to what was asked at `mark`, unless it may be too old by now; a text
 * that is longer than an integer's is not kept. Copies name and text. Limits: 10,000
 * counters, 1 MiB of names; above that all are dropped first. */
void near_keep(struct near *near, uint64_t mark, struct bytes name, struct bytes text);

/* A write to this queue's counters is about to be sent on the reader. */
void near_change(struct near *near, const struct queue *queue);

#endif
