/* SPDX-License-Identifier: MIT */
/* The second word of a command, as `ls` in `leat counter ls`: a table of verbs, and what
 * their functions share: how output is shaped, and the question before something is
 * lost. */
#ifndef LEAT_PRODUCER_VERB_H
#define LEAT_PRODUCER_VERB_H

#include "base/table.h"
#include "broker/client.h"
#include "command.h"
#include "schema/queue.h"

struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* as struct command's */
};

/* Run the verb that `argv[1]` names; `--help` lists them, `--describe` too, as
 * opt_parse()'s: lines of `verb`, name and summary. Returns an exit status. */
int verb_run(const struct verb *verbs, size_t count, int argc, char **argv);

/* How a list leaves: JSON when asked for, aligned on a terminal, else with tabs. */
enum table_mode verb_mode(const struct common_options *common);

/* Write `out` to stdout and empty it. */
void verb_print(struct buf *out);

/* Open a queue by its option and a client by the common ones, of which `spec` says
 * whether it reads only. Errors as queue_init(), client_open() and replica_open(). */
int verb_open(struct client *client, const struct opt_spec *spec,
              const struct common_options *common, struct queue *queue,
              const char *queue_name, struct err *err);

/* May `count` `things` be removed? Asks on a terminal unless `yes`.
 * Errors: LEAT_ENO when the answer is no; LEAT_EUSAGE when there is nobody to ask. */
int verb_confirm(int yes, int64_t count, const char *things, struct err *err);

#endif
