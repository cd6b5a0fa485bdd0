/* SPDX-License-Identifier: MIT */
/* The oracle of the chaos test. From the seed and the number of jobs that each producer
 * had acknowledged it knows every job there was, and so what must stand in Redis once all
 * is at rest; it reads what does, by plain commands, and prints what was lost and what
 * was doubled.
 *
 * A job that crashed its workers five times dies unread, whatever it is: under faults
 * that are hard enough this happens to innocent ones. It, and what would have followed
 * it, is then no longer wanted elsewhere. Of a job that may be cancelled either all that
 * it and its followers count is found, or nothing is, and it was cancelled. */
#include "base/opt.h"
#include "base/text.h"
#include "book.h"
#include "broker/client.h"
#include "jobs.h"
#include "schema/entry.h"
#include "schema/limits.h"
#include "schema/queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCERS = 2, PAGE = 500, SAID_MAX = 20 };

struct oracle {
    const char *redis, *origin; /* the options */
    int64_t seed;
    struct opt_list words;

    struct client client;
    struct queue queue;
    struct book counters;            /* by name; the kind is not used: each 1 is a job */
    struct book payloads;            /* by their bytes, those that must be found again */
    int64_t pushed[JOBS_KIND_COUNT]; /* of each kind */
    int64_t poisoned[JOBS_KIND_COUNT]; /* of these, died of five deliveries */
    int64_t poisoned_followers;
    int64_t stopped; /* that may be cancelled, and left nothing */
    int64_t lost, doubled, left_over;
    int said;
};

static void die(const char *text)
{
    fprintf(stderr, "oracle: %s\n", text);
    exit(2);
}

static void say(struct oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct oracle *oracle, const char *format, ...)
{
    char text[400];
    struct buf shown = {0};
    va_list args;
    if (++oracle->said > SAID_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_printable(&shown, bytes_of(text), sizeof text);
    printf("  %s\n", buf_text(&shown));
    buf_fini(&shown);
}

static void compare(struct oracle *oracle, const char *what, const char *name,
                    int64_t wanted, int64_t found)
{
    if (wanted == found)
        return;
    say(oracle, "%s %s: wanted %lld, found %lld", what, name, (long long)wanted,
        (long long)found);
    if (found < wanted)
        oracle->lost += wanted - found;
    else
        oracle->doubled += found - wanted;
}

/* ---- what was pushed --------------------------------------------------------------- */

/* Of jobs that end well only the counts remain, so their payloads are not wanted. */
static int is_found_again(enum jobs_kind kind)
{
    enum jobs_end end = jobs_kind_end(kind);
    return end == JOBS_DIES || end == JOBS_IS_NO_JOB;
}

static void note_job(struct oracle *oracle, const struct jobs_job *job)
{
    struct book_line *line = book_at(&oracle->payloads, buf_bytes(&job->payload));
    line->kind = (int)job->kind;
    line->wanted++;
    oracle->pushed[job->kind]++;
    for (int i = 0; i < job->counter_count; i++)
        book_at(&oracle->counters, bytes_of(job->counters[i]))->wanted++;
}

static void each_job(struct oracle *oracle,
                     void (*take)(struct oracle *oracle, const struct jobs_job *job))
{
    struct jobs_job job = {0};
    for (int i = 0; i < PRODUCERS; i++) {
        struct jobs jobs = {(uint64_t)oracle->seed, (uint64_t)i, oracle->origin};
        int64_t count = strtoll(oracle->words.at[i], NULL, 10);
        for (int64_t n = 0; n < count; n++) {
            jobs_make(&jobs, n, &job);
            take(oracle, &job);
        }
    }
    buf_fini(&job.payload);
}

/* ---- asking Redis ------------------------------------------------------------------ */

static const struct redisReply *ask(struct oracle *oracle)
{
    const struct redisReply *reply;
    struct err err = {0};
    if (client_call(&oracle->client, &reply, &err) != LEAT_OK)
        die(err.text);
    return reply;
}

static int64_t ask_number(struct oracle *oracle, const char *command, const char *key)
{
    cmd_set(&oracle->client.cmd, command, key, NULL);
    return reply_int(ask(oracle), -1);
}

static int64_t count_of(struct oracle *oracle, const char *field)
{
    cmd_set(&oracle->client.cmd, "HGET", oracle->queue.meta, field, NULL);
    return reply_int(ask(oracle), 0);
}

/* Hand over each entry of a list or a sorted set that is at rest. */
static void read_all(struct oracle *oracle, const char *command, const char *key,
                     void (*take)(struct oracle *oracle, struct bytes raw))
{
    size_t got = PAGE;
    for (int64_t at = 0; got == PAGE; at += PAGE) {
        cmd_set(&oracle->client.cmd, command, key, NULL);
        cmd_add_int(&oracle->client.cmd, at);
        cmd_add_int(&oracle->client.cmd, at + PAGE - 1);
        const struct redisReply *page = ask(oracle);
        got = reply_count(page);
        for (size_t i = 0; i < got; i++)
            take(oracle, reply_bytes(reply_at(page, i)));
    }
}

/* ---- what was found ---------------------------------------------------------------- */

/* What this payload, and those that would have followed it, would have added. Returns
 * how many of its counters are known. */
static int want_no_more(struct oracle *oracle, struct bytes payload)
{
    static const char mark[] = "\"counter\":\"";
    const char *at = payload.at, *end = payload.at + payload.len;
    int known = 0;
    while ((at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1)) != NULL) {
        at += sizeof mark - 1;
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL)
            break;
        struct bytes name = {at, (size_t)(quote - at)};
        struct book_line *line = book_find(&oracle->counters, name);
        if (line != NULL && line->wanted > 0) {
            line->wanted--;
            known++;
        }
    }
    return known;
}

/* It was not to die. */
static void take_poisoned(struct oracle *oracle, const struct entry *entry,
                          const struct book_line *line)
{
    int known = want_no_more(oracle, entry->payload);
    int len = (int)entry->payload.len;
    if (line == NULL && known == 0) {
        say(oracle, "dead, and never pushed: %.*s", len, entry->payload.at);
        oracle->doubled++;
        return;
    }
    if (entry->deliveries < LIMIT_DELIVERIES) {
        say(oracle, "dead without a reason: %.*s", len, entry->payload.at);
        oracle->lost++;
    }
    if (line != NULL)
        oracle->poisoned[line->kind]++;
    else
        oracle->poisoned_followers++;
}

static void take_dead(struct oracle *oracle, struct bytes raw)
{
    struct entry entry;
    if (entry_read(&entry, raw) != 0) {
        say(oracle, "dead, and no entry: %.*s", (int)raw.len, raw.at);
        oracle->doubled++;
        return;
    }
    struct book_line *line = book_find(&oracle->payloads, entry.payload);
    if (line != NULL)
        line->found++;
    if (line == NULL || jobs_kind_end((enum jobs_kind)line->kind) != JOBS_DIES)
        take_poisoned(oracle, &entry, line);
}

static void take_bad(struct oracle *oracle, struct bytes raw)
{
    struct book_line *line = book_find(&oracle->payloads, raw);
    if (line != NULL && line->kind == JOBS_garbage) {
        line->found++;
        return;
    }
    say(oracle, "in quarantine, and not pushed so: %.*s", (int)raw.len, raw.at);
    oracle->doubled++;
}

static void take_counters(struct oracle *oracle)
{
    cmd_set(&oracle->client.cmd, "HGETALL", oracle->queue.counters, NULL);
    const struct redisReply *pairs = ask(oracle);
    for (size_t i = 0; i + 1 < reply_count(pairs); i += 2) {
        struct bytes name = reply_bytes(reply_at(pairs, i));
        const struct redisReply *value = reply_at(pairs, i + 1);
        if (!bytes_is(name, JOBS_FULL_COUNTER))
            book_at(&oracle->counters, name)->found = reply_int(value, -1);
        else if (!bytes_is(reply_bytes(value), JOBS_FULL_VALUE))
            say(oracle, "the full counter has changed"), oracle->doubled++;
    }
}

/* One that died is not wanted any more; of one that was cancelled nothing is. */
static void take_stopped(struct oracle *oracle, const struct jobs_job *job)
{
    if (jobs_kind_end(job->kind) != JOBS_MAY_STOP)
        return;
    const struct book_line *run =
        book_find(&oracle->counters, bytes_of(job->counters[0]));
    if (run->wanted == 0 || run->found > 0)
        return;
    oracle->stopped++;
    for (int i = 0; i < job->counter_count; i++)
        book_at(&oracle->counters, bytes_of(job->counters[i]))->wanted = 0;
}

/* ---- the verdict ------------------------------------------------------------------- */

/* The last that a record says is how its job ended. */
static void judge_record(struct oracle *oracle, const struct jobs_job *job)
{
    char key[160];
    const char *wanted = "dead";
    if (job->tracked[0] == '\0')
        return;
    if (job->counter_count > 0 &&
        book_find(&oracle->counters, bytes_of(job->counters[0]))->found > 0)
        wanted = "done";
    snprintf(key, sizeof key, "%st:%s", oracle->queue.prefix, job->tracked);
    cmd_set(&oracle->client.cmd, "XREVRANGE", key, "+", "-", "COUNT", "1", NULL);
    const struct redisReply *pairs = reply_at(reply_at(ask(oracle), 0), 1);
    for (size_t i = 0; i + 1 < reply_count(pairs); i += 2)
        if (bytes_is(reply_bytes(reply_at(pairs, i)), "state") &&
            bytes_is(reply_bytes(reply_at(pairs, i + 1)), wanted))
            return;
    say(oracle, "the record of %s does not end with %s", job->tracked, wanted);
    oracle->lost++;
}

static void judge_lines(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->counters.size; i++) {
        const struct book_line *line = &oracle->counters.lines[i];
        compare(oracle, "counter", line->name, line->wanted, line->found);
    }
    for (size_t i = 0; i < oracle->payloads.size; i++) {
        const struct book_line *line = &oracle->payloads.lines[i];
        if (line->digest != 0 && is_found_again((enum jobs_kind)line->kind))
            compare(oracle, jobs_kind_name((enum jobs_kind)line->kind), line->name,
                    line->wanted, line->found);
    }
}

static int64_t left_of(const struct oracle *oracle, enum jobs_kind kind)
{
    return oracle->pushed[kind] - oracle->poisoned[kind];
}

/* Jobs whose own trace is only a count: refreshes that end well, expired and cancelled
 * ones. What is short here because an increment is missing was seen before. */
static void judge_counts(struct oracle *oracle)
{
    int64_t wanted = left_of(oracle, JOBS_page) + left_of(oracle, JOBS_slow);
    int64_t found = count_of(oracle, "done") + count_of(oracle, "merged");
    int64_t seen_before = oracle->lost + oracle->doubled;
    for (size_t i = 0; i < oracle->counters.size; i++)
        wanted += oracle->counters.lines[i].wanted;
    compare(oracle, "jobs", "expired", left_of(oracle, JOBS_expired),
            count_of(oracle, "expired"));
    compare(oracle, "jobs", "cancelled", oracle->stopped, count_of(oracle, "cancelled"));
    if (seen_before == 0)
        compare(oracle, "jobs", "done or merged", wanted, found);
    else if (wanted != found)
        say(oracle, "jobs done or merged: wanted %lld, found %lld", (long long)wanted,
            (long long)found);
}

static void judge_rest(struct oracle *oracle)
{
    const struct queue *queue = &oracle->queue;
    const struct {
        const char *command, *key;
    } must_be_empty[] = {
        {"LLEN", queue->list},     {"LLEN", queue->high},   {"LLEN", queue->staging},
        {"LLEN", queue->suspects}, {"ZCARD", queue->lease}, {"HLEN", queue->body},
        {"ZCARD", queue->sched},   {"HLEN", queue->slot},   {"HLEN", queue->again},
    };
    for (unsigned i = 0; i < sizeof must_be_empty / sizeof *must_be_empty; i++) {
        int64_t left = ask_number(oracle, must_be_empty[i].command, must_be_empty[i].key);
        oracle->left_over += left;
        if (left != 0)
            say(oracle, "left over: %lld in %s", (long long)left, must_be_empty[i].key);
    }
    int64_t in_hands = count_of(oracle, "res") - count_of(oracle, "fin");
    if (in_hands != 0 || count_of(oracle, "retrying") != 0) {
        oracle->left_over++;
        say(oracle, "left over in counts: res - fin is %lld", (long long)in_hands);
    }
}

/* ---- figures ----------------------------------------------------------------------- */

static void print_figures(struct oracle *oracle)
{
    static const char *const fields[] = {"done",      "fresh",    "merged", "expired",
                                         "cancelled", "dead",     "bad",    "retry",
                                         "back",      "recovered"};
    int64_t jobs = 0, poisoned = oracle->poisoned_followers;
    for (int i = 0; i < JOBS_KIND_COUNT; i++) {
        jobs += oracle->pushed[i];
        poisoned += oracle->poisoned[i];
    }
    printf("jobs %lld:", (long long)jobs);
    for (int i = 0; i < JOBS_KIND_COUNT; i++)
        printf(" %s %lld", jobs_kind_name((enum jobs_kind)i),
               (long long)oracle->pushed[i]);
    printf("\nends");
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        printf(" %s %lld", fields[i], (long long)count_of(oracle, fields[i]));
    printf(" poisoned %lld\n", (long long)poisoned);
    printf("lost %lld, doubled %lld, left over %lld\n", (long long)oracle->lost,
           (long long)oracle->doubled, (long long)oracle->left_over);
}

#define AT(member) offsetof(struct oracle, member)

static const struct opt rows[] = {
    {"redis", 0, OPT_TEXT, AT(redis), "URL", NULL, 0, 0, "Redis; else LEAT_REDIS"},
    {"origin", 0, OPT_TEXT, AT(origin), "URL", "http://127.0.0.1:1", 0, 0,
     "the flaky site"},
    {"seed", 0, OPT_INT, AT(seed), "N", "1", 0, INT64_MAX, "of the producers"},
};

static const struct opt_spec spec = {
    .usage = "COUNT COUNT",
    .about =
        "The oracle of the chaos test: how many jobs were lost and doubled, when each "
        "producer had so many acknowledged.\v"
        "Exit status: 0 all is right, 1 it is not, 2 it could not be told.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .words_offset = AT(words),
    .words_min = PRODUCERS,
    .words_max = PRODUCERS,
};

int main(int argc, char **argv)
{
    static struct oracle oracle;
    struct err err = {0};
    opt_parse(&spec, argc, argv, &oracle);
    each_job(&oracle, note_job);
    if (queue_init(&oracle.queue, "default", &err) != LEAT_OK ||
        client_open(&oracle.client, oracle.redis, 0, &err) != LEAT_OK)
        die(err.text);
    if (count_of(&oracle, "trimmed_dead") + count_of(&oracle, "trimmed_bad") > 0)
        die("more died than are kept, so they cannot be counted");
    read_all(&oracle, "ZRANGE", oracle.queue.dead, take_dead);
    read_all(&oracle, "LRANGE", oracle.queue.bad, take_bad);
    take_counters(&oracle);
    each_job(&oracle, take_stopped);
    judge_lines(&oracle);
    each_job(&oracle, judge_record);
    judge_counts(&oracle);
    judge_rest(&oracle);
    print_figures(&oracle);
    client_close(&oracle.client);
    book_fini(&oracle.counters);
    book_fini(&oracle.payloads);
    return oracle.lost + oracle.doubled + oracle.left_over == 0 ? 0 : 1;
}
