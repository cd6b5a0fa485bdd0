/* SPDX-License-Identifier: MIT */
/* The web server that a run's refreshes ask: on loopback, in the worker's own loop, so
 * that thousands of runs need no other process. `/once` answers 503 the first time it is
 * asked in a run; any other path has a page with an ETag, and 304 for who knows it. */
#ifndef LEAT_TESTS_LOOP_SITE_H
#define LEAT_TESTS_LOOP_SITE_H

#include <ev.h>

enum { SITE_GUESTS_MAX = 16, SITE_REQUEST_BYTES = 2048 };

struct site_guest {
    struct site *site;
    ev_io io;
    char request[SITE_REQUEST_BYTES];
    int len;
};

struct site {
    char host[32]; /* 127.0.0.1:PORT */
    int listener;
    int asked; /* requests for /once, in this run */
    struct ev_loop *loop;
    ev_io io;
    struct site_guest guest[SITE_GUESTS_MAX];
};

/* Listen; once in a process. Any failure aborts. */
void site_init(struct site *site);

/* Serve in a run's loop; leave it. */
void site_open(struct site *site, struct ev_loop *loop);
void site_close(struct site *site);

#endif
