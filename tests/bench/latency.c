/* SPDX-License-Identifier: MIT */
/* How long a job takes from its push until an idle worker has it in hand. The worker is
 * reached through a pass-through of this program: jobs are pushed at a steady pace, and a
 * job's clock stops when its bytes have gone to the worker. The limit beside it, a bare
 * loop of BLMOVE, goes through the same pass-through. The pass-through makes both longer;
 * without it their quotient would be larger. */
#include "measure.h"
#include "wire.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PERIOD_US = 5000,
    WARM_UP = 100, /* pushes that do not count */
    PATIENCE_S = 5,
    PAIRS_MAX = 16,
    BLOCK_BYTES = 65536,
    MARK_BYTES = 32,
};

#define LIST "leat:default"

struct pair {
    int worker, redis;
};

struct bench {
    const char *socket;
    int door; /* where the worker knocks */
    struct pair pairs[PAIRS_MAX];
    int pair_count;
    struct wire pusher;
    char mark[MARK_BYTES];              /* in the newest job's bytes */
    double pushed_s, handed_s, acted_s; /* its times; 0: not yet */
};

/* ---- the pass-through -------------------------------------------------------------- */

static void accept_pair(struct bench *bench)
{
    if (bench->pair_count == PAIRS_MAX)
        measure_die("too many connections");
    struct pair *pair = &bench->pairs[bench->pair_count++];
    pair->worker = accept(bench->door, NULL, NULL);
    pair->redis = wire_dial(bench->socket);
}

/* Pass on what is there; the job's clock looks at it when it has gone. */
static void pass(struct bench *bench, int from, int to, int to_worker)
{
    char block[BLOCK_BYTES];
    ssize_t got = read(from, block, sizeof block);
    if (got <= 0)
        measure_die("the worker or Redis hung up");
    if (!to_worker && bench->handed_s > 0 && bench->acted_s == 0)
        bench->acted_s = measure_now_s();
    wire_send(to, (struct bytes){block, (size_t)got});
    if (to_worker && bench->handed_s == 0 && bench->mark[0] != '\0' &&
        memmem(block, (size_t)got, bench->mark, strlen(bench->mark)) != NULL)
        bench->handed_s = measure_now_s();
}

/* Wait for bytes on any connection until then, and pass them on. */
static void serve_once(struct bench *bench, double until_s)
{
    struct pollfd fds[2 + 2 * PAIRS_MAX];
    nfds_t count = 2;
    int pairs = bench->pair_count;
    int64_t left_ns = (int64_t)((until_s - measure_now_s()) * 1e9);
    struct timespec patience = {left_ns / 1000000000, left_ns % 1000000000};
    fds[0] = (struct pollfd){.fd = bench->door, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = bench->pusher.fd, .events = POLLIN};
    for (int i = 0; i < pairs; i++) {
        fds[count++] = (struct pollfd){.fd = bench->pairs[i].redis, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = bench->pairs[i].worker, .events = POLLIN};
    }
    if (left_ns <= 0 || ppoll(fds, count, &patience, NULL) <= 0)
        return;
    for (int i = 0; i < pairs; i++) {
        if (fds[2 + 2 * i].revents != 0)
            pass(bench, bench->pairs[i].redis, bench->pairs[i].worker, 1);
        if (fds[3 + 2 * i].revents != 0)
            pass(bench, bench->pairs[i].worker, bench->pairs[i].redis, 0);
    }
    if (fds[0].revents != 0)
        accept_pair(bench);
    if (fds[1].revents != 0)
        wire_reply(&bench->pusher);
}

static void serve_until(struct bench *bench, double when_s)
{
    while (measure_now_s() < when_s)
        serve_once(bench, when_s);
}

/* ---- pushes ------------------------------------------------------------------------ */

/* Push one job, and wait until the worker has acted on it. */
static void push(struct bench *bench, int number)
{
    struct buf command = {0};
    char job[160];
    snprintf(bench->mark, sizeof bench->mark, "job-%08d", number);
    snprintf(job, sizeof job,
             "{\"type\":\"increment\",\"id\":\"%s\",\"args\":{\"counter\":\"latency\"}}",
             bench->mark);
    wire_format(&command, "LPUSH", LIST, job, NULL);
    bench->handed_s = bench->acted_s = 0;
    bench->pushed_s = measure_now_s();
    wire_send(bench->pusher.fd, buf_bytes(&command));
    while (bench->acted_s == 0 && measure_now_s() < bench->pushed_s + PATIENCE_S)
        serve_once(bench, bench->pushed_s + PATIENCE_S);
    if (bench->acted_s == 0)
        measure_die("the idle worker did not take a job for seconds");
    buf_fini(&command);
}

static void run(struct bench *bench, int pushes)
{
    double *handed = xcalloc((size_t)pushes, sizeof *handed);
    serve_until(bench, measure_now_s() + 1); /* the worker connects and finds nothing */
    for (int i = -WARM_UP; i < pushes; i++) {
        push(bench, i + WARM_UP);
        serve_until(bench, bench->pushed_s + PERIOD_US / 1e6);
        if (i < 0)
            continue;
        handed[i] = (bench->handed_s - bench->pushed_s) * 1e6;
    }
    printf("%.1f %.1f\n", measure_quantile(handed, (size_t)pushes, 0.5),
           measure_quantile(handed, (size_t)pushes, 0.99));
    free(handed);
}

/* ---- the worker -------------------------------------------------------------------- */

/* The limit: takes a job, ends it, waits for the next. */
static _Noreturn void bare_loop(const char *socket)
{
    struct wire wire;
    struct buf block = {0}, next = {0};
    wire_open(&wire, socket);
    wire_format(&block, "BLMOVE", LIST, "bare", "RIGHT", "LEFT", "5", NULL);
    wire_format(&next, "RPOP", "bare", NULL);
    buf_add(&next, block.data, block.len);
    int64_t got = wire_ask(&wire, &block);
    for (;;) {
        if (got < 0) {
            got = wire_ask(&wire, &block);
            continue;
        }
        wire_send(wire.fd, buf_bytes(&next));
        wire_reply(&wire);
        got = wire_reply(&wire);
    }
}

static pid_t start_worker(const char *socket, char **argv)
{
    char url[160];
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* however this program ends */
    if (*argv == NULL)
        bare_loop(socket);
    snprintf(url, sizeof url, "unix://%s", socket);
    setenv("LEAT_REDIS", url, 1);
    execv(argv[0], argv);
    measure_die(argv[0]);
}

int main(int argc, char **argv)
{
    char door[108];
    if (argc < 3)
        measure_die("usage: leat-bench-latency SOCKET PUSHES [WORKER...]");
    struct bench bench = {.socket = argv[1]};
    snprintf(door, sizeof door, "%s.pass", argv[1]);
    bench.door = wire_listen(door);
    wire_open(&bench.pusher, argv[1]);
    pid_t worker = start_worker(door, argv + 3);
    run(&bench, atoi(argv[2]));
    kill(worker, SIGKILL);
    waitpid(worker, NULL, 0);
    return 0;
}
