/* SPDX-License-Identifier: MIT */
/* The kind `lines`: programs that stay and are given jobs as lines of JSON on stdin, and
 * answer on stdout. PROTOCOL.md 12 is the contract; lines_child.h has one of them. Here
 * is how many of them there are: one is started when a call comes and all others are
 * busy, up to the number that is configured. One that is to be replaced does not count,
 * but makes room only up to as many again.
 *
 * When children die before they have answered anything, the next is started later and
 * later. Meanwhile the handler takes no jobs: they wait in their queue, and cost none of
 * their attempts. */
#ifndef LEAT_WORKER_LINES_H
#define LEAT_WORKER_LINES_H

struct call;
struct handler;
struct handler_kind;
struct program;

extern const struct handler_kind lines_kind;

/* Its functions, for kinds whose children are lines children of a program of ours. Owns:
 * takes what is in `program`. */
void *lines_open(struct handler *handler, struct program *program);
void lines_close(void *state);
int lines_capacity(const struct handler *handler);
void lines_start(struct call *call);
void lines_stop(struct call *call);
void lines_kill(struct call *call);

#endif
