/* SPDX-License-Identifier: MIT */
/* The transport: one connection to Redis in an event loop, under hiredis' formatter and
 * reader. It connects (TCP or unix socket), greets (AUTH, SELECT, name, checks),
 * pipelines all that one turn of the loop asked for into one write, matches answers,
 * notices silence, and comes back with jittered back-off when the connection breaks.
 *
 * Lost replies are handled here, once, for everybody: a request marked LINK_RESEND is
 * sent again after the reconnect, in its old order (only commands that change nothing the
 * second time are marked so: numbered pushes and all that a lease fences); any other gets
 * LEAT_ELINK: it may or may not have run. Before anything is sent again, the server is
 * told to kill the old connection, so that nothing still queued in it can run later. */
#ifndef LEAT_BROKER_LINK_H
#define LEAT_BROKER_LINK_H

#include "base/err.h"
#include "broker/cmd.h"
#include "broker/redis_url.h"
#include "broker/reply.h"

struct ev_loop;
struct link;

struct answer {
    int code;         /* LEAT_OK, or why there is no good reply */
    const char *text; /* of the error; borrowed */
    struct redisReply
        *reply; /* borrowed until the callback returns; NULL with an error */
};

/* Called exactly once for each request sent (a stream's: for each message, and once more
 * with the error that ends it), and never before link_send() returned. It may send more,
 * but must not free the link. */
typedef void (*answer_fn)(void *arg, struct answer *answer);

/* Take the reply over. Owns: the caller, who calls reply_free(). */
struct redisReply *answer_take(struct answer *answer);

enum link_flags {
    LINK_RESEND = 1, /* send again after a lost connection */
    LINK_RETRY = 2,  /* send again, later, after an error of the class REPLY_RETRY */
    LINK_TEXT = 4,   /* send the script's text, not its digest: what is sent right behind
                      must not overtake it when Redis does not know the digest */
    LINK_STREAM = 8, /* the answers never end, as SUBSCRIBE's: it stays at the head of the
                        pipeline, so it is the last that its connection is asked for, and
                        silence is no sign of a loss. Goes with no other flag. */
};

enum { LINK_PATIENCE_MS = 5000 };

struct link_config {
    struct redis_url url;
    const char *name; /* CLIENT SETNAME; never NULL: its answer is the sign that a Redis
                         listens; borrowed for the link's life */
    const char *cure; /* when nobody is there; NULL: as for a command line; borrowed */
    int serving;      /* check the server, and kill the old connection after a loss */
    int protocol;     /* of a worker: which it speaks; one that meets a higher is refused,
                         and a lower is raised. 0: this is no worker. Needs `serving` */
    int64_t give_up_ms; /* how long to try to come back; -1: for ever */
    int insist;         /* try again also when Redis was never reached */
    void *arg;
    void (*on_up)(void *arg);                    /* greeted; also after each reconnect */
    void (*on_down)(void *arg, const char *why); /* lost; it comes back by itself */
    /* It does not come back: never reached, refused, given up. All that waits stays
     * unanswered. */
    void (*on_fatal)(void *arg, const struct err *err);
};

/* Begin to connect. The callbacks may be NULL; they are never called before this returns.
 * Owns: the caller frees with link_free(), not from inside a callback. */
struct link *link_new(struct ev_loop *loop, const struct link_config *config);

/* Close and free. Requests without an answer are dropped, their callbacks are not called.
 * Accepts NULL. */
void link_free(struct link *link);

/* Send a command, once the link is up. Words are copied before this returns.
 * `patience_ms` is the silence after which the connection counts as dead, for this
 * command at the head of the pipeline; 0 for LINK_PATIENCE_MS.
 * Errors: LEAT_ELINK while the link is down and LINK_RESEND is not set: the callback is
 * then not called. */
int link_send(struct link *link, const struct cmd *cmd, unsigned flags,
              int64_t patience_ms, answer_fn fn, void *arg);

/* Is the link greeted and usable? */
int link_is_up(const struct link *link);

/* Close the connection as if it had broken, at the next turn of the loop. */
void link_drop(struct link *link, const char *why);

/* Read now what has arrived already, and call back. May lose the link, as any reading
 * may.
 * Calls: not from a callback of this link. */
void link_poll(struct link *link);

/* Is it up, and has Redis not hung up behind what is still unread? Reads nothing. */
int link_is_whole(const struct link *link);

/* The server's id of this connection, 0 when not serving or not up. */
int64_t link_client_id(const struct link *link);

/* When an attempt to reach it last ended, or the connection was last lost; 0: never. */
int64_t link_tried_mono_ms(const struct link *link);

/* Why an attempt to reach it failed, or the connection was lost, the last time; or "". */
const char *link_lost_why(const struct link *link);

/* Version of the server as INFO tells it, "" when not serving. */
const char *link_server_version(const struct link *link);

#endif
