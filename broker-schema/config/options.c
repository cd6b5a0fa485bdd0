/* SPDX-License-Identifier: MIT */
#include "config/options.h"
#include "base/address.h"
#include "base/netguard.h"
#include "base/text.h"
#include "broker/redis_url.h"
#include "schema/queue.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- what a text must be ----------------------------------------------------------- */

static int check_redis(const char *value, struct err *err)
{
    struct redis_url url;
    return redis_url_parse(&url, value, err);
}

static int check_range(const char *value, struct err *err)
{
    struct netguard guard = {0};
    return netguard_allow(&guard, value, err);
}

static int check_delay(const char *value, struct err *err)
{
    int64_t ms;
    if (text_to_duration_ms(value, &ms) == 0 && ms >= 1 && ms <= LIMIT_DELAY_MS)
        return LEAT_OK;
    return err_set(err, LEAT_EUSAGE,
                   "'%.40s' is no delay such as 10s or 5m, 1ms to 3652d12h", value);
}

static int check_listen(const char *value, struct err *err)
{
    union address address;
    socklen_t len;
    return address_read(&address, &len, value, err);
}

static int check_host(const char *value, struct err *err)
{
    if (address_is_host(value))
        return LEAT_OK;
    return err_set(err, LEAT_EUSAGE,
                   "'%.60s' is no host name or address (without a port)", value);
}

/* ---- every program ----------------------------------------------------------------- */

#define AT(member) offsetof(struct program_options, member)

static const struct opt program_rows[] = {
    {"config", 0, OPT_TEXT, AT(config), "FILE", NULL, 0, 0,
     "Read settings from FILE and FILE.d/*.conf; an empty name: from none (default: "
     "$LEAT_CONFIG, /etc/leat/leat.conf)"},
    LOG_OPT_ROWS(struct program_options, log),
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0,
     "Where Redis is: redis://[user:password@]host[:port][/db] or unix:///path (default: "
     "$LEAT_REDIS, $REDIS_URL, redis://127.0.0.1:6379)",
     "redis", check_redis},
};

const struct opt_spec program_spec = {.rows = program_rows,
                                      .row_count = COUNT(program_rows)};

#undef AT

/* ---- commands that read ------------------------------------------------------------ */

static const struct opt reading_rows[] = {
    {"replica", 0, OPT_LIST, offsetof(struct reading_keys, replicas), "URL", NULL, 0, 0,
     "Where commands read when Redis cannot be reached", "replica", check_redis},
};

const struct opt_spec reading_spec = {.rows = reading_rows,
                                      .row_count = COUNT(reading_rows)};

/* ---- leat-worker ------------------------------------------------------------------- */

#define AT(member) offsetof(struct worker_options, member)

static const struct opt worker_rows[] = {
    {"queue", 'q', OPT_LIST, AT(queues), "QUEUE[:WEIGHT]", NULL, 0, 0,
     "A queue to serve; may be repeated (default default)"},
    {"order", 0, OPT_WORD, AT(order), "weighted|strict", "weighted", 0, 0,
     "Which queue's jobs are taken when several have some: each its share by its weight "
     "(1 to 1000, default 1), or those of the first that has any",
     "worker.order"},
    {"processes", 'p', OPT_INT, AT(processes), "N", NULL, 0, PROCESSES_MAX,
     "Processes that work, below a master that replaces those that die; 0: this one "
     "works itself, without a master (default: one for each core)",
     "worker.processes"},
    {"concurrency", 'c', OPT_INT, AT(slots), "SLOTS", "64", 1, 1024,
     "Slow jobs, such as fetches, that run at once", "worker.concurrency"},
    {"lease", 0, OPT_DURATION, AT(lease_ms), "DUR", "30s", 2000, LIMIT_LEASE_MS,
     "How long a job is ours without a sign of life; after it others run the job",
     "worker.lease"},
    {"allow-net", 0, OPT_LIST, AT(allow_net), "CIDR", NULL, 0, 0,
     "Addresses that refresh may reach although they are private; may be repeated",
     "worker.allow-net", check_range},
    {"exec", 0, OPT_LIST, AT(exec), "TYPE=COMMAND", NULL, 0, 0,
     "Run COMMAND, a program and its arguments, for each job of that type; more can be "
     "said in the configuration file; may be repeated"},
    {"lines", 0, OPT_LIST, AT(lines), "TYPE=COMMAND", NULL, 0, 0,
     "Keep COMMAND running and hand it the jobs of that type as lines of JSON; may be "
     "repeated"},
    {"drain", 0, OPT_CHOICE, AT(drain), "all", NULL, 0, 0,
     "Work until nothing is ready, running or due within 5 s, then exit; with =all also "
     "wait for all that is scheduled"},
    {"check-config", 0, OPT_FLAG, AT(check_config), NULL, NULL, 0, 0,
     "Only read the settings and look at what they name, without Redis; plugins are "
     "loaded, by a child; exit with 0 when a worker could begin, else with 78, saying "
     "why"},
};

const struct opt_spec worker_spec = {
    .usage = "",
    .about = "Run jobs: take leases from queues, settle each exactly once.\v"
             "Signals, to the master: TERM or INT: take nothing more, finish what runs "
             "for up to "
             "25 s, give the rest back and exit 0; a second one gives back at once. HUP: "
             "read the "
             "settings again and replace the processes one by one. TSTP: take nothing "
             "more, but "
             "stay; CONT: take jobs again. USR2: print the state as JSON.",
    .rows = worker_rows,
    .row_count = COUNT(worker_rows),
    .common = program_rows,
    .common_count = COUNT(program_rows),
    .words_offset = AT(words),
};

#undef AT

/* ---- leat-dashboard ---------------------------------------------------------------- */

#define AT(member) offsetof(struct dashboard_options, member)

static const struct opt dashboard_rows[] = {
    {"listen", 0, OPT_TEXT, AT(listen), "ADDRESS", "127.0.0.1:8740", 0, 0,
     "Where to serve: HOST:PORT, [::1]:PORT or unix:PATH; port 0 takes a free one",
     "dashboard.listen", check_listen},
    {"token-file", 0, OPT_TEXT, AT(token_file), "FILE", NULL, 0, 0,
     "Writes need the token in the first line of FILE: Authorization: Bearer TOKEN",
     "dashboard.token-file"},
    {"allow-host", 0, OPT_LIST, AT(allow_hosts), "NAME", NULL, 0, 0,
     "Serve under NAME too, as a proxy in front passes it on; may be repeated",
     "dashboard.allow-host", check_host},
};

const struct opt_spec dashboard_spec = {
    .usage = "",
    .about = "Serve the status, the JSON API, the metrics and the counters over HTTP.\v"
             "Whoever reaches the address may read all of it. Writes are taken from this "
             "machine, or with --token-file from whoever has the token; without one, any "
             "address but a loopback one only reads.",
    .rows = dashboard_rows,
    .row_count = COUNT(dashboard_rows),
    .common = program_rows,
    .common_count = COUNT(program_rows),
    .words_offset = AT(words),
};

#undef AT

/* ---- titled sections --------------------------------------------------------------- */

static const struct opt queue_rows[] = {
    {"weight", 0, OPT_INT, offsetof(struct queue_keys, weight), "N", "1", 1, WEIGHT_MAX,
     "Its share of the jobs that are taken while several queues have some",
     "queue.weight"},
};

const struct opt_spec queue_spec = {.rows = queue_rows, .row_count = COUNT(queue_rows)};

#define AT(member) offsetof(struct retry_keys, member)

static const struct opt retry_rows[] = {
    {"policy", 0, OPT_WORD, AT(policy), "exponential|fixed|list", NULL, 0, 0,
     "How the delay grows from failure to failure", "retry.policy"},
    {"max", 0, OPT_INT, AT(retries_max), "N", "25", 0, LIMIT_RETRIES,
     "How often a failed job runs again", "retry.max"},
    {"base", 0, OPT_DURATION, AT(base_ms), "DUR", "2s", 1, LIMIT_DELAY_MS,
     "The first delay; with the policy fixed the only one", "retry.base"},
    {"factor", 0, OPT_NUMBER, AT(factor), "X", "2", 1, 100,
     "How much longer each delay is than the one before", "retry.factor"},
    {"cap", 0, OPT_DURATION, AT(cap_ms), "DUR", "1d", 1, LIMIT_DELAY_MS,
     "No delay is longer", "retry.cap"},
    {"list", 0, OPT_LIST, AT(delays), "DUR", NULL, 0, 0,
     "The delays of the policy list; its last repeats", "retry.list", check_delay},
};

#undef AT

const struct opt_spec retry_spec = {.rows = retry_rows, .row_count = COUNT(retry_rows)};

/* ---- handlers ---------------------------------------------------------------------- */

static int check_variable(const char *value, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_";
    size_t len = strspn(value, allowed);
    if (len > 0 && (value[len] == '\0' || value[len] == '='))
        return LEAT_OK;
    return err_set(err, LEAT_EUSAGE,
                   "'%.60s' is no variable to pass on, NAME, or to set, NAME=VALUE",
                   value);
}

#define AT(member) offsetof(struct handler_keys, member)

enum { TIMEOUT_MAX_MS = 7 * 86400 * 1000, MB_MAX = 1024 * 1024 };

static const struct opt handler_rows[] = {
    {"kind", 0, OPT_WORD, AT(kind), "exec|lines|http|plugin", "exec", 0, 0,
     "How the jobs are run: a program for each, programs that stay, requests, a shared "
     "object",
     "handler.kind"},
    {"command", 0, OPT_LIST, AT(command), "WORD", NULL, 0, 0,
     "The program and its arguments, of exec and lines; no shell", "handler.command"},
    {"file", 0, OPT_TEXT, AT(file), "FILE", NULL, 0, 0, "The shared object of plugin",
     "handler.file"},
    {"url", 0, OPT_TEXT, AT(url), "URL", NULL, 0, 0, "Where http posts the jobs",
     "handler.url"},
    {"secret-file", 0, OPT_TEXT, AT(secret_file), "FILE", NULL, 0, 0,
     "The first line of FILE signs what http posts", "handler.secret-file"},
    {"ca-file", 0, OPT_TEXT, AT(ca_file), "FILE", NULL, 0, 0,
     "Certificates, in PEM: http trusts only peers whom one of them vouches for; unless "
     "said, those whom the system trusts",
     "handler.ca-file"},
    {"connections", 0, OPT_INT, AT(connections), "N", "8", 1, 256,
     "Connections of http to one host", "handler.connections"},
    {"timeout", 0, OPT_DURATION, AT(timeout_ms), "DUR", "10m", 1, TIMEOUT_MAX_MS,
     "How long a job may run, unless it says so itself", "handler.timeout"},
    {"grace", 0, OPT_DURATION, AT(grace_ms), "DUR", "5s", 1, LIMIT_LEASE_MS,
     "How long it may take to end when it is told to", "handler.grace"},
    {"concurrency", 0, OPT_INT, AT(concurrency), "N", "0", 0, 1024,
     "Jobs of the type at once in one worker process; 0: 4 of exec, 16 of http, as many "
     "as its children take of the others",
     "handler.concurrency"},
    {"processes", 0, OPT_INT, AT(processes), "N", "1", 1, 64,
     "Children of each worker process, of lines and plugin", "handler.processes"},
    {"recycle-jobs", 0, OPT_INT, AT(recycle_jobs), "N", "0", 0, INT64_MAX,
     "Jobs after which a child is replaced; 0: never", "handler.recycle-jobs"},
    {"recycle-mb", 0, OPT_INT, AT(recycle_mb), "N", "0", 0, MB_MAX,
     "Resident memory above which an idle child is replaced, in MB; 0: never",
     "handler.recycle-mb"},
    {"memory-mb", 0, OPT_INT, AT(memory_mb), "N", "0", 0, MB_MAX,
     "Memory that each child may have, in MB; 0: no limit", "handler.memory-mb"},
    {"directory", 0, OPT_TEXT, AT(directory), "DIR", NULL, 0, 0,
     "Where the programs run; else where the worker does", "handler.directory"},
    {"environment", 0, OPT_LIST, AT(environment), "NAME[=VALUE]", NULL, 0, 0,
     "Variables the programs get: those named are passed on, others set; unless said, "
     "HOME, LANG, PATH, TMPDIR, TZ and USER are passed on",
     "handler.environment", check_variable},
    {"keep", 0, OPT_DURATION, AT(keep_ms), "DUR", "1d", 1000, LIMIT_DELAY_MS,
     "How long the record of a tracked job is kept behind its end", "handler.keep"},
};

#undef AT

const struct opt_spec handler_spec = {.rows = handler_rows,
                                      .row_count = COUNT(handler_rows)};
