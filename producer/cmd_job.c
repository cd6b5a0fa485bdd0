/* SPDX-License-Identifier: MIT */
/* leat job ls | get | retry | rm: the jobs that have died and the entries that are
 * none. The verbs for jobs that are under way have files of their own. */
#include "await.h"
#include "job_cancel.h"
#include "job_list.h"
#include "job_wait.h"
#include "base/text.h"
#include "broker/tails_find.h"
#include "schema/failure.h"
#include "verb.h"

#include <stdio.h>

enum { ACTION_PAGE = 100 }; /* looked at, and then acted on, at a time */

struct job_options {
    struct common_options common;
    const char *queue, *state;
    int64_t limit;
    int raw, all, yes;
    struct opt_list words;
};

#define AT(member) offsetof(struct job_options, member)
#define ROW_QUEUE                                                                        \
    {                                                                                    \
        "queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0,                     \
            "The queue to look in"                                                       \
    }
#define ROW_STATE                                                                        \
    {                                                                                    \
        "state", 0, OPT_TEXT, AT(state), "dead|bad", NULL, 0, 0,                         \
            "Dead jobs, or what is no job"                                               \
    }
#define ROW_ALL                                                                          \
    {                                                                                    \
        "all", 0, OPT_FLAG, AT(all), NULL, NULL, 0, 0, "All of that state"               \
    }

static const struct opt ls_rows[] = {
    ROW_QUEUE,
    {"state", 0, OPT_TEXT, AT(state), JOB_LIST_STATES, "dead", 0, 0,
     "Dead jobs; what is no job; the last runs that failed; jobs that are due later, "
     "never run or to run again; those that wait to be taken"},
    {"limit", 0, OPT_INT, AT(limit), "N", "100", 1, AWAIT_LOOK_MAX, "How many at most"},
};

static const struct opt get_rows[] = {
    ROW_QUEUE,
    {"raw", 0, OPT_FLAG, AT(raw), NULL, NULL, 0, 0,
     "Write what the producer pushed, byte for byte"},
};

static const struct opt retry_rows[] = {ROW_QUEUE, ROW_STATE, ROW_ALL};

static const struct opt rm_rows[] = {
    ROW_QUEUE,
    ROW_STATE,
    ROW_ALL,
    {"yes", 0, OPT_FLAG, AT(yes), NULL, NULL, 0, 0, "Do not ask"},
};

#define SPEC(table, ...)                                                                 \
    (struct opt_spec)                                                                    \
    {                                                                                    \
        .rows = (table), .row_count = sizeof(table) / sizeof *(table),                   \
        .words_offset = AT(words), __VA_ARGS__                                           \
    }

/* What a verb works with. */
struct jobs {
    struct job_options options;
    struct client client;
    struct queue queue;
    struct arena arena;
    struct err err;
};

static int jobs_open(struct jobs *jobs, int argc, char **argv,
                     const struct opt_spec *spec)
{
    *jobs = (struct jobs){0};
    opt_parse(spec, argc, argv, &jobs->options);
    return verb_open(&jobs->client, spec, &jobs->options.common, &jobs->queue,
                     jobs->options.queue, &jobs->err);
}

/* Release what jobs_open() took. Returns the exit status. */
static int jobs_close(struct jobs *jobs, int code)
{
    client_close(&jobs->client);
    arena_fini(&jobs->arena);
    return code == LEAT_OK ? 0 : command_fail(&jobs->err);
}

/* ---- ls ---------------------------------------------------------------------------- */

static int run_ls(int argc, char **argv)
{
    struct jobs jobs;
    const struct opt_spec spec =
        SPEC(ls_rows, COMMAND_READS,
             .about = "List dead jobs, quarantined entries or the runs that failed last, "
                      "newest first; or jobs that wait, the next first.\v"
                      "The handle in front names one for get, retry and rm, and so does "
                      "the iid of a failed run, if its job is dead. The id of one that "
                      "waits names it for cancel, and for get if it is tracked. Of a "
                      "failed run --json also tells what it wrote last to stdout and "
                      "stderr, if a program ran.");
    int code = jobs_open(&jobs, argc, argv, &spec);
    if (code == LEAT_OK)
        code = job_list(&jobs.client, &jobs.queue, jobs.options.state, jobs.options.limit,
                        verb_mode(&jobs.options.common), &jobs.err);
    return jobs_close(&jobs, code);
}

/* ---- get --------------------------------------------------------------------------- */

static const struct table_column job_columns[] = {
    {"", "handle", TABLE_TEXT}, {"", "queue", TABLE_TEXT},
    {"", "state", TABLE_TEXT},  {"", "died_ms", TABLE_INT},
    {"", "iid", TABLE_TEXT},    {"", "deliveries", TABLE_INT},
    {"", "fails", TABLE_INT},   {"", "first_seen_ms", TABLE_INT},
    {"", "error", TABLE_TEXT},  {"", "reason", TABLE_TEXT},
    {"", "id", TABLE_TEXT},     {"", "type", TABLE_TEXT},
    {"", "size", TABLE_INT},    {"", "payload", TABLE_TEXT},
    {"", "stdout", TABLE_MORE}, {"", "stderr", TABLE_MORE},
};

static void add_json(struct buf *out, const struct jobs *jobs,
                     const struct tails_find *found, const struct resting_view *view)
{
    const struct resting *resting = &found->job;
    struct table table;
    struct buf handle = {0}, error = {0};
    resting_handle(&handle, resting);
    entry_decode_error(&error, view->entry.error);
    table_open(&table, TABLE_JSON, job_columns, 16, out);
    table_text(&table, buf_bytes(&handle));
    table_text(&table, bytes_of(jobs->queue.name));
    table_text(&table, bytes_of(resting_kind_name(resting->kind)));
    table_number(&table, resting->died_ms);
    table_text(&table, view->entry.iid);
    table_number(&table, view->entry.deliveries);
    table_number(&table, view->entry.fails);
    table_number(&table, view->entry.first_seen_ms);
    table_text(&table, buf_bytes(&error));
    table_text(&table, bytes_of(view->err.text));
    table_text(&table, view->job.id);
    table_text(&table, view->job.type);
    table_number(&table, (int64_t)resting_payload(resting, view).len);
    table_text(&table, resting_payload(resting, view));
    table_text(&table, found->out);
    table_text(&table, found->err);
    table_close(&table);
    buf_fini(&handle);
    buf_fini(&error);
}

static void print_job(struct jobs *jobs, const struct tails_find *found)
{
    struct resting_view view;
    struct buf out = {0};
    resting_read(&view, &found->job, &jobs->arena);
    struct bytes payload = resting_payload(&found->job, &view);
    if (jobs->options.raw)
        buf_add(&out, payload.at, payload.len);
    else
        add_json(&out, jobs, found, &view);
    verb_print(&out);
    buf_fini(&out);
}

/* Whatever keeps them from being read, the job itself is there. */
static void find_tails(struct jobs *jobs, struct tails_find *find)
{
    struct err err = {0};
    if (find->job.kind == RESTING_DEAD && !jobs->options.raw)
        await_walk(&jobs->client, &jobs->queue, WALK_FAILED, FAILURES_KEPT,
                   tails_find_look, find, &err);
}

/* A handle is looked for among the dead, even if an id is written like it. */
static int show_record(struct jobs *jobs)
{
    const char *word = jobs->options.words.at[0];
    if (jobs->options.raw || resting_is_handle(word))
        return LEAT_ENO;
    return job_wait_show(&jobs->client, &jobs->queue, word, NULL);
}

/* Its `err` says more than that of the others: here ids of some jobs will do, too. */
static int find_one(struct jobs *jobs, struct resting *resting)
{
    const struct opt_list *words = &jobs->options.words;
    struct err why = {0};
    int code = await_find(&jobs->client, &jobs->queue, words->at, 1, resting,
                          &jobs->arena, &why);
    if (code == LEAT_OK)
        return code;
    int may_be_id = code == LEAT_ENO && !resting_is_handle(words->at[0]);
    return err_set(&jobs->err, code, "%s%s", why.text,
                   may_be_id ? "; of a job that was pushed with --track a record is kept"
                             : "");
}

static int run_get(int argc, char **argv)
{
    struct jobs jobs;
    struct tails_find found = {.arena = &jobs.arena};
    const struct opt_spec spec = SPEC(
        get_rows, COMMAND_READS, .usage = "ID|HANDLE|IID", .words_min = 1, .words_max = 1,
        .about =
            "Show as JSON what became of a tracked job; or, by its handle or iid, a "
            "dead job or a quarantined entry.\v"
            "'payload' is what the producer wrote, 'stdout' and 'stderr' what the "
            "run it died of wrote last, as long as that is among the last failures; "
            "bytes that are no UTF-8 stand there as U+FFFD. --raw writes the payload "
            "as it is.");
    int code = jobs_open(&jobs, argc, argv, &spec);
    if (code == LEAT_OK && show_record(&jobs) == LEAT_OK)
        return jobs_close(&jobs, code);
    if (code == LEAT_OK)
        code = find_one(&jobs, &found.job);
    if (code == LEAT_OK) {
        find_tails(&jobs, &found);
        print_job(&jobs, &found);
    }
    return jobs_close(&jobs, code);
}

/* ---- retry and rm ------------------------------------------------------------------ */

/* What is done to a job, and in which order to all of them: what is pushed again may come
 * back at the newest end at once, what is removed is found quickest there. */
struct action {
    const char *done;
    int (*run)(struct client *client, const struct queue *queue,
               const struct resting *resting, struct err *err);
    int (*walk)(struct client *client, const struct queue *queue, enum walk_source source,
                int64_t max, walk_entry_fn fn, void *arg, struct err *err);
};

static const struct action retrying = {"pushed again", await_retry, await_walk_oldest};
static const struct action removing = {"removed", await_remove, await_walk};

/* One that is gone is told, and does not keep the others from being done. */
static int act_on_named(struct jobs *jobs, const struct action *action, int64_t *done)
{
    const struct opt_list *words = &jobs->options.words;
    struct resting *found = arena_alloc(&jobs->arena, words->count * sizeof *found);
    int code = await_find(&jobs->client, &jobs->queue, words->at, words->count, found,
                          &jobs->arena, &jobs->err);
    for (size_t i = 0; i < words->count && (code == LEAT_OK || code == LEAT_ENO); i++) {
        int failed = LEAT_ENO;
        if (found[i].raw.at != NULL)
            failed = action->run(&jobs->client, &jobs->queue, &found[i], &jobs->err);
        *done += failed == LEAT_OK;
        code = failed != LEAT_OK ? failed : code;
    }
    return code;
}

struct page {
    enum resting_kind kind;
    struct resting at[ACTION_PAGE];
    size_t count;
    struct arena arena;
};

static int keep(void *arg, struct bytes raw, int64_t at_ms)
{
    struct page *page = arg;
    struct bytes kept = {arena_dup(&page->arena, raw), raw.len};
    page->at[page->count++] = (struct resting){page->kind, kept, at_ms};
    return 0;
}

/* As many as there were at the start: what comes meanwhile is not awaited. */
static int act_on_pages(struct jobs *jobs, enum resting_kind kind, int64_t count,
                        const struct action *action, int64_t *done)
{
    int code = LEAT_OK;
    struct page page = {.kind = kind, .count = 1};
    for (int64_t left = count; code == LEAT_OK && left > 0 && page.count > 0;) {
        page.count = 0;
        arena_reset(&page.arena);
        code = action->walk(&jobs->client, &jobs->queue, resting_source(kind),
                            left < ACTION_PAGE ? left : ACTION_PAGE, keep, &page,
                            &jobs->err);
        for (size_t i = 0; i < page.count && code == LEAT_OK; i++) {
            struct err gone = {0}; /* somebody else was quicker */
            code = action->run(&jobs->client, &jobs->queue, &page.at[i], &gone);
            *done += code == LEAT_OK;
            if (code == LEAT_ENO)
                code = LEAT_OK;
            else if (code != LEAT_OK)
                err_set(&jobs->err, code, "%s", gone.text);
        }
        left -= (int64_t)page.count;
    }
    arena_fini(&page.arena);
    return code;
}

static int act_on_all(struct jobs *jobs, const struct action *action, int64_t *done)
{
    enum resting_kind kind;
    int64_t count;
    if (jobs->options.state == NULL)
        return err_set(&jobs->err, LEAT_EUSAGE,
                       "--all needs --state dead or --state bad");
    int code = resting_kind_parse(jobs->options.state, &kind, &jobs->err);
    if (code == LEAT_OK)
        code = await_count(&jobs->client, &jobs->queue, kind, &count, &jobs->err);
    if (code == LEAT_OK && count > 0 && action == &removing)
        code = verb_confirm(jobs->options.yes, count,
                            kind == RESTING_DEAD ? "dead jobs" : "quarantined entries",
                            &jobs->err);
    return code == LEAT_OK ? act_on_pages(jobs, kind, count, action, done) : code;
}

static int run_action(int argc, char **argv, const struct opt_spec *spec,
                      const struct action *action)
{
    struct jobs jobs;
    int64_t done = 0;
    int code = jobs_open(&jobs, argc, argv, spec);
    if (code == LEAT_OK && (jobs.options.words.count > 0) == (jobs.options.all != 0))
        code = err_set(&jobs.err, LEAT_EUSAGE, "name the jobs by handle, or say --all");
    if (code == LEAT_OK)
        code = jobs.options.all ? act_on_all(&jobs, action, &done)
                                : act_on_named(&jobs, action, &done);
    if (code == LEAT_OK || done > 0)
        fprintf(stderr, "leat: %s: %lld\n", action->done, (long long)done);
    return jobs_close(&jobs, code);
}

static int run_retry(int argc, char **argv)
{
    const struct opt_spec spec =
        SPEC(retry_rows, COMMAND_SHARES, .usage = "HANDLE...\n--all --state STATE",
             .words_max = OPT_LIST_MAX,
             .about = "Push jobs again: dead ones with their counts at zero, quarantined "
                      "entries as they stand.\v"
                      "Exit status 1: one was not there; the others are pushed.");
    return run_action(argc, argv, &spec, &retrying);
}

static int run_rm(int argc, char **argv)
{
    const struct opt_spec spec =
        SPEC(rm_rows, COMMAND_SHARES, .usage = "HANDLE...\n--all --state STATE",
             .words_max = OPT_LIST_MAX,
             .about = "Remove dead jobs or quarantined entries.\v"
                      "Exit status 1: one was not there; the others are removed.");
    return run_action(argc, argv, &spec, &removing);
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"ls", "List jobs that are dead or wait, the quarantine, failed runs", run_ls},
        {"get", "Show one, or what became of a tracked job", run_get},
        {"wait", "Wait until tracked jobs have ended", job_wait_run},
        {"cancel", "Keep jobs from starting, or stop them", job_cancel_run},
        {"retry", "Push them again", run_retry},
        {"rm", "Remove them", run_rm},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_job = {"job", "Look after jobs: tracked, dead, quarantined",
                                run};
