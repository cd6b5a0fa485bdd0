/* SPDX-License-Identifier: MIT */
/* A plugin whose jobs do by their type what a test asks for. */
#include "worker/leat-plugin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAUSE_US = 1000, MANY = 65, HUGE_BYTES = 200 * 1000 };

/* Counters of what it was told: nothing else shows it as it came. */
static void tell(struct leat_plugin_job *job)
{
    char text[2048];
    snprintf(text, sizeof text, "told %s %s %s %s %u %u %s", job->type, job->id,
             job->queue, job->traceparent, job->attempt, job->delivery, job->args);
    job->incr(job, text, (int64_t)job->args_bytes);
    job->incr(job, "token", job->token > 0);
    job->incr(job, "deadline", job->deadline_ms > job->token / 1000);
}

static void effects(struct leat_plugin_job *job)
{
    job->incr(job, "a \"quoted\"\nname", 40);
    job->incr(job, "other", -1);
    job->incr(job, "a \"quoted\"\nname", 2);
    job->push(job, "{\"type\":\"plain\",\n \"args\":{}}");
    job->push(job, "{\"type\":\"plain\",\"args\":{},\"in_ms\":1}");
    job->result(job, "{\"a\":\n[1]}");
    job->progress(job, "100");
}

static void plain(struct leat_plugin_job *job)
{
    job->incr(job, "plain", 1);
}

static void fails(struct leat_plugin_job *job)
{
    job->incr(job, "never", 1);
    job->fail(job, "the \"disk\"\nis full", 3600000);
}

static void dies(struct leat_plugin_job *job)
{
    job->fail(job, "not this", 0);
    job->die(job, "no such picture");
}

static void later(struct leat_plugin_job *job)
{
    job->later(job, 3600000);
}

static void no_json(struct leat_plugin_job *job)
{
    job->incr(job, "never", 1);
    job->push(job, "{\"type\":");
}

static void no_text(struct leat_plugin_job *job)
{
    job->incr(job, "\xff", 1);
}

static void many(struct leat_plugin_job *job)
{
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "never%d", i);
        job->incr(job, name, 1);
    }
}

static void huge(struct leat_plugin_job *job)
{
    char *text = malloc(HUGE_BYTES);
    memset(text, '1', HUGE_BYTES - 1);
    text[HUGE_BYTES - 1] = '\0';
    job->result(job, text);
    free(text);
}

/* Each is more than one value, or less. */
static void inject(struct leat_plugin_job *job)
{
    static const char *const texts[] = {
        "1,\"incr\":{\"never\":1}",
        "1}\n{\"job\":\"1\"",
        "",
        " ",
        "1 2",
        "\"open",
        "{\"a\":1,\"a\":2}",
        "\"\xff\"",
        "{\"a\":\0 1}",
    };
    static const char *const pushes[] = {
        "{\"type\":\"plain\",\"args\":{}},{\"type\":\"plain\",\"args\":{}}",
        "{\"type\":\"plain\",\"args\":{}}],\"incr\":{\"never\":1},\"push\":[", "7", ""};
    void (*const takers[])(struct leat_plugin_job *,
                           const char *) = {job->result, job->progress, job->push};
    unsigned at = (unsigned)strtoul(job->args + 1, NULL, 10), taker = at % 10;
    job->incr(job, "never", 1);
    takers[taker](job, taker == 2 ? pushes[at / 10] : texts[at / 10]);
}

/* All is well with these. */
static void odd_json(struct leat_plugin_job *job)
{
    job->progress(job, "\n[1,\r\n2]\n");
    job->push(job, " \n{\"type\":\"plain\",\"args\":{}} ");
    job->result(job, " {\"a\":\n\"\\u00e4\"}\n\0,\"incr\":{\"never\":1}");
}

static void loud(struct leat_plugin_job *job)
{
    printf("printed to stdout\n");
    fflush(stdout);
    fprintf(stderr, "printed to stderr\n");
    job->incr(job, "loud", 1);
}

static void crash(struct leat_plugin_job *job)
{
    (void)job;
    raise(SIGSEGV);
}

/* Until the file that args name, as a text, is there; or until it is cancelled. */
static void hold(struct leat_plugin_job *job)
{
    char path[1024];
    snprintf(path, sizeof path, "%.*s", (int)job->args_bytes - 2, job->args + 1);
    fprintf(stderr, "holding %s\n", job->id);
    while (access(path, F_OK) != 0 && !job->is_cancelled(job))
        usleep(PAUSE_US);
    if (job->is_cancelled(job))
        fprintf(stderr, "stopped %s\n", job->id);
    job->incr(job, "held", 1);
}

static const struct {
    const char *type;
    void (*run)(struct leat_plugin_job *job);
} rows[] = {{"tell", tell},       {"effects", effects}, {"plain", plain},
            {"fails", fails},     {"dies", dies},       {"later", later},
            {"no_json", no_json}, {"no_text", no_text}, {"many", many},
            {"huge", huge},       {"loud", loud},       {"crash", crash},
            {"hold", hold},       {"inject", inject},   {"odd_json", odd_json}};

static void run(struct leat_plugin_job *job)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].type, job->type) == 0)
            rows[i].run(job);
}

static int begin(void)
{
    fprintf(stderr, "opened\n");
    return 0;
}

static void end(void)
{
    fprintf(stderr, "closed\n");
}

const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .in_flight = 4, .open = begin,
                                        .run = run, .close = end};
