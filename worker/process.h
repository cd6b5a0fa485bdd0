/* SPDX-License-Identifier: MIT */
/* A working process: a loop of its own, a worker in it, and the signals by which it is
 * led.
 *
 *            alone                       below a master
 *   TERM     stop, within 25 s;          stop, within 25 s
 *            a second one: at once
 *   INT      as TERM                     ignored: a terminal's goes to the master, too
 *   QUIT     -                           stop when all that runs has ended: replaced
 *   USR1     -                           stop at once
 *   TSTP     quiet                       quiet
 *   CONT     take jobs again             take jobs again
 *   USR2     tell as JSON                tell as JSON
 *   HUP      is told that it needs a     ignored, as INT
 *            master
 *
 * Below a master TERM may come twice, from a service manager that signals the whole group
 * and from the master, so a second one hurries nothing there. */
#ifndef LEAT_WORKER_PROCESS_H
#define LEAT_WORKER_PROCESS_H

#include "worker/scoreboard.h"

struct process_config {
    const struct worker_config *worker;
    struct scoreboard_row *row; /* NULL: alone */
    int wake_fd;                /* below a master: the eventfd that wakes it */
    int quiet;                  /* begin quiet */
    int signals_blocked;        /* unblock all as soon as they are listened to */
};

/* Run a worker until it stops. Makes the default loop: there must be none. Returns an
 * exit status; what went wrong has been told: alone on stderr, below a master in the
 * row. */
int process_run(const struct process_config *config);

#endif
