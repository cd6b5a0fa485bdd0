/* SPDX-License-Identifier: MIT */
/* The tables of what can be set: the options of the programs that read a configuration
 * file, and the keys of its titled sections. They stand together, apart from the
 * programs, so that `leat config` knows them all. */
#ifndef LEAT_CONFIG_OPTIONS_H
#define LEAT_CONFIG_OPTIONS_H

#include "base/log_opt.h"
#include "base/opt.h"

enum { PROCESSES_BY_CORES = -1, PROCESSES_MAX = 256 };

/* What every program has; stands first in the struct of its options. */
struct program_options {
    const char *redis; /* NULL: see config_redis() */
    const char *config;
    struct log_options log;
};

extern const struct opt_spec program_spec; /* its rows stand in the other specs, too */

/* ---- commands that read ------------------------------------------------------------ */

struct reading_keys {
    struct opt_list replicas;
};

extern const struct opt_spec reading_spec;

/* ---- leat-worker ------------------------------------------------------------------- */

struct worker_options {
    struct program_options program;
    struct opt_list queues, allow_net, exec, lines, words;
    int64_t processes; /* PROCESSES_BY_CORES: not said */
    int64_t slots, lease_ms;
    const char *order;
    const char *drain;
    int check_config;
};

extern const struct opt_spec worker_spec;

/* ---- leat-dashboard ---------------------------------------------------------------- */

struct dashboard_options {
    struct program_options program;
    const char *listen, *token_file;
    struct opt_list allow_hosts, words;
};

extern const struct opt_spec dashboard_spec;

/* ---- queue NAME { }, retry TYPE { } ------------------------------------------------ */

enum { WEIGHT_MAX = 1000 };

struct queue_keys {
    int64_t weight;
};

struct retry_keys {
    const char *policy;
    int64_t retries_max, base_ms, cap_ms;
    double factor;
    struct opt_list delays;
};

extern const struct opt_spec queue_spec, retry_spec;

/* ---- handler TYPE { } -------------------------------------------------------------- */

/* Who runs the jobs of a type that is not built in. Texts are borrowed. */
struct handler_keys {
    const char *kind;
    struct opt_list command;       /* exec, lines: program and arguments */
    const char *file;              /* plugin: the shared object */
    const char *url, *secret_file; /* http */
    const char *ca_file;           /* http: who signs the peer's certificate */
    int64_t connections;           /* http: to one host */
    int64_t timeout_ms, grace_ms;
    int64_t concurrency; /* jobs at once in a process; 0: as the kind has it */
    int64_t processes;   /* lines, plugin: children of each process */
    int64_t recycle_jobs, recycle_mb; /* 0: never */
    int64_t memory_mb;                /* 0: no limit */
    const char *directory;
    struct opt_list environment; /* NAME or NAME=VALUE */
    int64_t keep_ms;             /* records of tracked jobs */
};

extern const struct opt_spec handler_spec;

#endif
