/* SPDX-License-Identifier: MIT */
/* A process that ends with us: it is told by the kernel when we die, however that
 * happens, has a session of its own, so that a Ctrl-C at the terminal reaches only us,
 * and none of our descriptors but the one it is meant to have. Whoever starts it waits
 * for it. */
#ifndef LEAT_PRODUCER_CHILD_H
#define LEAT_PRODUCER_CHILD_H

#include "base/err.h"

#include <sys/types.h>

struct child_spec {
    const char *file;   /* what is run: a path */
    char *const *argv;  /* argv[0] is the name it is called by */
    const char *folder; /* its working directory; NULL: ours */
    const char *in;     /* what it reads from its stdin; NULL: nothing */
    const char *log;    /* its stderr, and its stdout too unless `out_fd` is there */
    int out_fd;         /* its stdout; -1: the log */
    int kept_fd;        /* stays open in it; -1: none */
    int death_signal;   /* what it gets when we die */
};

/* Start it and return its pid.
 * Errors: LEAT_ECONFIG when the log cannot be written, LEAT_EBUSY when no process can be
 * started. A program that cannot be run says so in its log and exits with 69. */
pid_t child_spawn(const struct child_spec *spec, struct err *err);

/* What a shell would show for this wait status: its exit status, or 128 and its
 * signal. */
int child_exit_status(int wait_status);

/* Read the last line of a log, without `leat: ` before it; "" when there is none. */
void child_last_words(const char *log, char *out, size_t size);

#endif
