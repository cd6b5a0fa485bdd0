/* SPDX-License-Identifier: MIT */
/* A child that runs somebody's program: with the descriptors, the environment and the
 * limits it is given and nothing else of ours, at the head of a process group of its own,
 * and dead as soon as we are. When it ends, what it started and left in its group is
 * killed, then it is reaped; no zombie stays behind.
 *
 * Nobody else may reap: not a default loop of libev that watches children, and SIGCHLD
 * must not be ignored. A program that moves what it starts to another process group
 * (setsid) takes it out of our reach. */
#ifndef LEAT_WORKER_CHILD_PROCESS_H
#define LEAT_WORKER_CHILD_PROCESS_H

#include "base/err.h"
#include "worker/child_groups.h"

#include <ev.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILD_PROCESS_FDS = 4 };

struct child_process_spec {
    const char *file;               /* of the program; see child_process_find() */
    const char *const *argv;        /* argv[0] is the name it is called by */
    const char *const *environment; /* all of it */
    const char *directory;          /* NULL: ours */
    /* What becomes its 0, 1, 2 and 3. -1: /dev/null, and as 3: closed. */
    int fds[CHILD_PROCESS_FDS];
    int64_t memory_max_bytes;    /* RLIMIT_DATA, of each of its processes; 0: as ours */
    uint64_t descriptors_max;    /* soft RLIMIT_NOFILE; 0: as ours */
    struct child_groups *groups; /* where its group is noted; NULL: nowhere */
};

/* It has ended, by this wait status, and is reaped. The struct is the caller's again. */
typedef void (*child_process_fn)(void *arg, int wait_status);

/* In the caller's memory, which stays where it is until the child has ended. */
struct child_process {
    pid_t pid; /* 0: none runs */
    int pidfd;
    _Atomic pid_t *note; /* of its group; NULL: none */
    struct ev_loop *loop;
    ev_io exited;
    child_process_fn on_exit;
    void *arg;
};

/* Find the program that `name` means: a path if it has a slash, from `directory` (NULL:
 * ours) on if it is relative; else a file in one of the absolute folders of `path`, a
 * list as in PATH. Owns: the caller frees `*file`.
 * Errors: LEAT_ECONFIG: there is none, or it may not be run. */
int child_process_find(const char *name, const char *directory, const char *path,
                       char **file, struct err *err);

/* Start it. All of `spec` is only borrowed; its descriptors stay open in the caller, who
 * should have made them close-on-exec, so that no other child has them.
 * Calls: on_exit once, from the loop; never after child_process_fini().
 * Errors: LEAT_EBUSY: the machine has no room for a process just now, or the program is
 * being written; LEAT_ECONFIG: it cannot be run. Nothing runs then. */
int child_process_start(struct child_process *child, struct ev_loop *loop,
                        const struct child_process_spec *spec, child_process_fn on_exit,
                        void *arg, struct err *err);

/* Close the descriptors of `spec`: a child that was started has its own. */
void child_process_close_fds(struct child_process_spec *spec);

/* Send a signal to it and to all of its group; no effect on one that has ended. */
void child_process_signal(const struct child_process *child, int number);

/* Kill its group and reap it now; on_exit is not called. No effect on one that has ended,
 * or that is zeroed. A process that the kernel cannot end, for it waits for a broken
 * disk, is given up after CHILD_PROCESS_REAP_MS. */
enum { CHILD_PROCESS_REAP_MS = 2000 };
void child_process_fini(struct child_process *child);

/* Write how it ended: `exit 3`, `signal 11 (Segmentation fault)`. */
enum { CHILD_PROCESS_STATUS_BYTES = 64 };
void child_process_status_text(int wait_status, char out[CHILD_PROCESS_STATUS_BYTES]);

#endif
