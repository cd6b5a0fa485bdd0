/* SPDX-License-Identifier: MIT */
/* leat: run jobs in C, in a shared object that a worker's child loads.
 *
 *     #include <leat-plugin.h>
 *     #include <string.h>
 *
 *     static void run(struct leat_plugin_job *job)
 *     {
 *         if (strcmp(job->args, "{}") == 0)
 *             job->die(job, "nothing to greet");
 *         else
 *             job->incr(job, "greetings", 1);
 *     }
 *
 *     const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .run = run};
 *
 *     cc -shared -fPIC -O2 greet.c -o greet.so
 *
 * and in the worker's configuration:
 *
 *     handler greet { kind = plugin  file = "/usr/local/lib/greet.so" }
 *
 * A JOB IS DONE when run() returns, unless fail(), die() or later() was called meanwhile;
 * of these the last call counts. What incr(), push() and result() ask for happens in the
 * step that ends the job, exactly once, or not at all: not when the job failed, nor when
 * an effect breaks a rule (PROTOCOL.md, "The answer"): it then fails with that reason.
 *
 * JSON that is handed over must be one value, of one object for push(), and nothing more;
 * anything else, progress() included, makes the job fail. So text from outside cannot
 * bring in effects of its own; but what is made of it by printf still needs its quotes
 * and backslashes escaped.
 *
 * THREADS. The plugin is loaded into a process of its own, `leat-plugin`, one for each of
 * the handler's `processes`. There one thread calls everything: open(), run() for one job
 * after the other, close(). What the host offers is for that thread, inside of run().
 * `leat config check` has it loaded, too, and calls nothing.
 *
 * OWNERSHIP. The job, and all that it points to, is the host's until run() returns; what
 * is handed to the host is copied. Texts end with a NUL and have none before.
 *
 * A CRASH, an exit() or a kill costs what that process held: `in_flight` jobs at most,
 * which count as failed and run again by their policy. All others go on, and another
 * process takes its place.
 *
 * TIME. When a job's time is over, or somebody cancels it, is_cancelled() answers 1 from
 * then on. A grace later the process is killed; what else it held goes back to the queue,
 * and counts as no failure.
 *
 * OUTPUT. stdout and stderr are the worker's log; stdin is empty.
 *
 * VERSIONS. Either struct begins with its size and grows at its end. A plugin runs under
 * every later leat of the same abi; under an earlier one, if it asks job->size before it
 * uses what that may not have. */
#ifndef LEAT_PLUGIN_H
#define LEAT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_PLUGIN_ABI 1

/* One run of a job. */
struct leat_plugin_job {
    uint32_t size;     /* of this struct, as the host has it */
    uint32_t attempt;  /* from 1; one more after each failure */
    uint32_t delivery; /* from 1; one more after each run whose worker died */
    const char *id, *type, *queue;
    const char *traceparent, *tracestate; /* empty: it has none */
    int64_t deadline_ms;                  /* Unix time at which it will be told to stop */
    int64_t token;                        /* greater in every later run of the job */
    const char *args;                     /* JSON, as it was pushed */
    size_t args_bytes;

    /* It failed: run it again by its retry policy, not before `retry_in_ms` (0: when the
     * policy says). */
    void (*fail)(struct leat_plugin_job *job, const char *error, int64_t retry_in_ms);
    /* It failed and must not run again. */
    void (*die)(struct leat_plugin_job *job, const char *error);
    /* Not done, but no failure: run it again in `again_in_ms`. */
    void (*later)(struct leat_plugin_job *job, int64_t again_in_ms);

    /* Add to a counter of the job's queue. */
    void (*incr)(struct leat_plugin_job *job, const char *counter, int64_t by);
    /* Push a job: JSON, `{"type":"mail","args":{…},"in_ms":60000}`. */
    void (*push)(struct leat_plugin_job *job, const char *follow_up);
    /* What it comes to: any JSON. */
    void (*result)(struct leat_plugin_job *job, const char *json);

    /* Tell at once how far it is: any JSON of up to 1,024 bytes. */
    void (*progress)(struct leat_plugin_job *job, const char *json);
    /* Should it stop? May be asked as often as one likes; it is found out some hundred
     * times a second. */
    int (*is_cancelled)(struct leat_plugin_job *job);
};

/* What a plugin is. */
struct leat_plugin {
    uint32_t size, abi; /* LEAT_PLUGIN_BEGIN */
    /* How many jobs it is given ahead, up to 1,000; 0 means 1. One is right for jobs that
     * take milliseconds: the time-out of a job begins when it is given. Some hundred make
     * jobs of microseconds several times as fast. */
    uint32_t in_flight;
    /* Before the first job. Not 0: no job can run; say why on stderr. May be NULL. */
    int (*open)(void);
    void (*run)(struct leat_plugin_job *job);
    /* Behind the last job; not when the process is killed. May be NULL. */
    void (*close)(void);
};

/* What the struct begins with. */
#define LEAT_PLUGIN_BEGIN sizeof(struct leat_plugin), LEAT_PLUGIN_ABI

/* The one symbol that the host looks for; the plugin defines it. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct leat_plugin leat_plugin;

#ifdef __cplusplus
}
#endif

#endif
