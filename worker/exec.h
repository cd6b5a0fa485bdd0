/* SPDX-License-Identifier: MIT */
/* The kind `exec`: a program for each job. It reads the args as JSON from its stdin,
 * finds the rest in its environment, and ends by its exit status: 0 done, 75 again later,
 * 65 or 100 dead at once, anything else or a signal failed. What else it has to say it
 * writes to descriptor 3, as JSON lines. PROTOCOL.md 12 is the contract. */
#ifndef LEAT_WORKER_EXEC_H
#define LEAT_WORKER_EXEC_H

struct handler_kind;

extern const struct handler_kind exec_kind;

#endif
