/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "act.h"
#include "base/clock.h"
#include "broker/script.h"
#include "run.h"
#include "support/redis_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WHOLE_MAX = 3, /* streams differ by some bytes, so one over early is not the end */
    TRIES_MAX = 3,
    HANG_S = 120,           /* of what no other deadline ends */
    FIRST_NUMBER = 1000000, /* of a run: as many digits in all */
};

struct board *board_new(void)
{
    struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board != MAP_FAILED)
        return board;
    perror("mmap");
    abort();
}

/* ---- a child ----------------------------------------------------------------------- */

struct child {
    const struct scene *scene;
    struct board *board;
    struct stage stage;
};

static void open_stage(struct stage *stage, const struct redis_fixture *redis, int nth)
{
    stage->redis = redis->socket;
    stage->dir = redis->dir;
    snprintf(stage->wire, sizeof stage->wire, "%s/wire.%d", redis->dir, nth);
    snprintf(stage->url, sizeof stage->url, "unix://%s", stage->wire);
    site_init(&stage->site);
    past_open(&stage->client, redis->url);
}

static FILE *open_log(const struct redis_fixture *redis, int nth, const char *mode)
{
    char path[96];
    snprintf(path, sizeof path, "%s/log.%d", redis->dir, nth);
    return fopen(path, mode);
}

/* All that is said goes to a file that holds one run: the last, and so the one that
 * failed. */
static void begin_log(const struct redis_fixture *redis, int nth)
{
    FILE *log = open_log(redis, nth, "a+");
    dup2(fileno(log), STDOUT_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    fclose(log);
}

static void note_cut(struct pool_row *row, long long at)
{
    long long last = atomic_load(&row->last);
    atomic_fetch_add(&row->cuts, 1);
    while (at > last && !atomic_compare_exchange_weak(&row->last, &last, at))
        ;
}

static void begin_run(const struct child *child, const struct pool_row *row, long long at)
{
    if (ftruncate(STDERR_FILENO, 0) != 0)
        abort();
    fprintf(stderr, "leat-loop --scene %s --way %s --unit %s --at %lld\n",
            child->scene->name, row->way->name,
            row->unit == WIRE_EDGES ? "edges" : "bytes", at);
    alarm(HANG_S);
}

/* The wire is never silent. When a program says that Redis was, for seconds, the machine
 * stood still, and the run says nothing about the cut. */
static int stood_still(void)
{
    return act_logged("no greeting in time") || act_logged("no answer in time");
}

static enum run_verdict run_at(struct child *child, struct pool_row *row, long long at)
{
    struct wire_fault fault = row->way->fault;
    fault.unit = row->unit;
    fault.after = at;
    for (int tries = 1;; tries++) {
        long long number = FIRST_NUMBER + atomic_fetch_add(&child->board->runs, 1);
        begin_run(child, row, at);
        enum run_verdict verdict = run_one(&child->stage, child->scene, &fault, number);
        if (verdict != RUN_WRONG || tries == TRIES_MAX || !stood_still())
            return verdict;
    }
}

static void run_next(struct child *child, struct pool_row *row)
{
    long long at = atomic_fetch_add(&row->next, row->every);
    switch (run_at(child, row, at)) {
    case RUN_CUT: note_cut(row, at); break;
    case RUN_WHOLE: atomic_fetch_add(&row->whole, 1); break;
    case RUN_WRONG:
        atomic_store(&child->board->failed, 1);
        _exit(1); /* its log shows this run */
    }
}

static int is_done(const struct board *board, const struct pool_row *row)
{
    return board->once || atomic_load(&row->whole) >= WHOLE_MAX ||
           atomic_load(&board->failed);
}

static void run_rows(struct child *child)
{
    struct board *board = child->board;
    for (int i = 0; i < board->row_count && !atomic_load(&board->failed); i++)
        do
            run_next(child, &board->row[i]);
        while (!is_done(board, &board->row[i]));
}

static void child_main(struct child *child, const struct redis_fixture *redis, int nth)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    begin_log(redis, nth);
    open_stage(&child->stage, redis, nth);
    run_rows(child);
    client_close(&child->stage.client);
}

/* ---- the parent -------------------------------------------------------------------- */

/* The scripts are known, so that cuts hit calls and not texts. */
static void load_scripts(const struct redis_fixture *redis)
{
    struct client client;
    past_open(&client, redis->url);
    for (int i = 0; i < SCRIPT_COUNT_ALL; i++)
        PAST(&client, "SCRIPT", "LOAD", script_table[i].text);
    client_close(&client);
}

static void show_log(const struct redis_fixture *redis, int nth)
{
    char line[1024];
    FILE *log = open_log(redis, nth, "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        printf("  %s", line);
    if (log != NULL)
        fclose(log);
}

/* Wait for a child. Returns 0 when all its runs came out right. */
static int await_child(const struct redis_fixture *redis, pid_t pid, int nth)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    if (WIFSIGNALED(status))
        printf("not ok - ended by signal %d:\n", WTERMSIG(status));
    else
        printf("not ok - went wrong:\n");
    show_log(redis, nth);
    return 1;
}

static void report(const struct scene *scene, const struct board *board, int64_t took_ms)
{
    for (const struct pool_row *row = board->row; row < board->row + board->row_count;
         row++)
        printf("%s %s: %lld cuts, the last at %s %lld\n", scene->name, row->way->name,
               (long long)row->cuts, row->unit == WIRE_EDGES ? "edge" : "byte",
               (long long)row->last);
    printf("ok - %s: %lld runs in %lld s\n", scene->name, (long long)board->runs,
           (long long)took_ms / 1000);
}

int pool_run(const struct scene *scene, struct board *board, int runs_at_once)
{
    struct redis_fixture redis;
    pid_t pids[POOL_MAX];
    int64_t began_ms = clock_mono_ms();
    int failed = 0;
    redis_fixture_start(&redis, NULL);
    load_scripts(&redis);
    fflush(stdout);
    for (int i = 0; i < runs_at_once; i++) {
        struct child child = {.scene = scene, .board = board};
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        child_main(&child, &redis, i);
        exit(0);
    }
    for (int i = 0; i < runs_at_once; i++)
        failed += await_child(&redis, pids[i], i);
    if (failed == 0 && board->once)
        show_log(&redis, 0);
    if (failed == 0)
        report(scene, board, clock_mono_ms() - began_ms);
    redis_fixture_stop(&redis);
    return failed;
}
