/* SPDX-License-Identifier: MIT */
/* The commands of `leat`: one file each, `cmd_NAME.c`, which ends in the command's entry
 * for the table in main.c. A command parses its options with opt_parse(), writes data to
 * stdout and all else to stderr, and returns its exit status. */
#ifndef LEAT_PRODUCER_COMMAND_H
#define LEAT_PRODUCER_COMMAND_H

#include "base/err.h"
#include "base/opt.h"
#include "broker/client.h"

struct command {
    const char *name;
    const char *summary; /* one line of `leat help` */
    /* `argv[0]` is "leat NAME", as messages and --help show it. stdout is flushed by the
     * caller. Returns an exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command cmd_push, cmd_run, cmd_counter, cmd_job, cmd_queue, cmd_cache,
    cmd_status, cmd_workers, cmd_doctor, cmd_health, cmd_config, cmd_fsck, cmd_up;

/* The options that every command has: stands first in the struct of a command's options,
 * so that `command_common_rows` fit it. */
struct common_options {
    const char *redis; /* NULL: see config_redis() */
    const char *config;
    int json;
    struct opt_list replicas; /* of one that reads */
};

enum { COMMAND_COMMON_COUNT = 3, COMMAND_READING_COUNT = 4 };
extern const struct opt command_common_rows[COMMAND_READING_COUNT];

/* Of an opt_spec: a command that only reads, and may do so from a replica (replica.h). */
#define COMMAND_READS .common = command_common_rows, .common_count = COMMAND_READING_COUNT

/* Of any other. */
#define COMMAND_SHARES .common = command_common_rows, .common_count = COMMAND_COMMON_COUNT

/* Open a client where the options, the environment or the configuration file say that
 * Redis is. Errors: as client_open(); LEAT_ECONFIG, with file and line. client_close() is
 * right in any case. */
int command_open(struct client *client, const struct common_options *common,
                 int64_t give_up_ms, struct err *err);

/* Print `leat: <text>` on stderr. Returns the exit status that belongs to the code. */
int command_fail(const struct err *err);

#endif
