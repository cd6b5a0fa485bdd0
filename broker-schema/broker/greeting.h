/* SPDX-License-Identifier: MIT */
/* What is said first on a new connection: who we are, which database; for a program that
 * serves also whether the server will do, and that it may forget our old connection; for
 * a worker, which protocol it speaks. All of it goes out in one write, but for what
 * follows from an answer. */
#ifndef LEAT_BROKER_GREETING_H
#define LEAT_BROKER_GREETING_H

#include "broker/link.h"

struct greeting {
    const struct link_config *config;
    /* Put a command on the wire; `arg` is the greeting's owner. */
    void (*send)(void *arg, const struct cmd *cmd, answer_fn fn, void *fn_arg);
    /* Called once: code LEAT_OK, LEAT_EBUSY for a server that is not ready yet, or the
     * final refusal with its sentence. */
    void (*done)(void *arg, const struct err *err);
    void *arg;

    int due; /* answers still to come */
    struct err err;
    int64_t client_id;     /* of this connection; 0 when not serving */
    int64_t old_client_id; /* of the one before, to be killed; 0 for none */
    char run_id[48], old_run_id[48];
    char version[32];
};

/* Begin; `done` may be called before this returns only when there is nothing to say. */
void greeting_start(struct greeting *greeting);

/* The connection is lost: what was its id is now the old one's. */
void greeting_forget(struct greeting *greeting);

#endif
