/* SPDX-License-Identifier: MIT */
/* What a job costs the server at a given backlog: stops a worker, fills the queue, lets
 * the worker go on until the queue is empty, again and again, and prints the microseconds
 * of CPU that the server's main thread spent on a job of those stretches. The file of
 * jobs is used from its start round and round, so that all counts are equal after whole
 * rounds. */
#include "measure.h"
#include "wire.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUES = 100, POLL_NS = 5000000 };

#define LIST "leat:default"

struct filler {
    struct buf file;
    struct bytes rest; /* of the round */
};

static void fill_queue(struct wire *wire, struct filler *filler, int64_t jobs)
{
    struct buf command = {0};
    for (; jobs > 0; jobs -= VALUES) {
        if (filler->rest.len == 0)
            filler->rest = buf_bytes(&filler->file);
        buf_reset(&command);
        filler->rest = wire_format_push(&command, LIST, filler->rest, VALUES);
        wire_ask(wire, &command);
    }
    buf_fini(&command);
}

static pid_t server_pid(struct wire *wire)
{
    static const char name[] = "process_id:";
    struct buf command = {0};
    wire_format(&command, "INFO", "server", NULL);
    wire_ask(wire, &command);
    buf_fini(&command);
    const char *at = strstr(wire->text, name);
    if (at == NULL)
        measure_die("INFO does not tell the server's process");
    return (pid_t)strtol(at + sizeof name - 1, NULL, 10);
}

/* Of the main thread, from the kernel: asking INFO would be part of what it tells. */
static double server_cpu_s(pid_t server)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)server);
    struct buf ran_ns = wire_read_file(path);
    double seconds = strtod(buf_text(&ran_ns), NULL) / 1e9;
    buf_fini(&ran_ns);
    return seconds;
}

/* Wait until nothing is ready and nothing is leased; rarely asking, for that costs
 * too. */
static void await_empty(struct wire *wire)
{
    static const struct timespec pause = {.tv_nsec = POLL_NS};
    struct buf command = {0};
    int64_t left;
    wire_format(&command, "LLEN", LIST, NULL);
    wire_format(&command, "LLEN", "{" LIST "}:h", NULL);
    wire_format(&command, "ZCARD", "{" LIST "}:lease", NULL);
    do {
        nanosleep(&pause, NULL);
        left = wire_ask(wire, &command);
        left += wire_reply(wire);
        left += wire_reply(wire);
    } while (left > 0);
    buf_fini(&command);
}

static double drain_cpu_s(struct wire *wire, struct filler *filler, pid_t worker,
                          int64_t jobs)
{
    pid_t server = server_pid(wire);
    kill(worker, SIGSTOP);
    fill_queue(wire, filler, jobs);
    double before_s = server_cpu_s(server);
    kill(worker, SIGCONT);
    await_empty(wire);
    return server_cpu_s(server) - before_s;
}

int main(int argc, char **argv)
{
    struct wire wire;
    double sum_s = 0;
    if (argc != 6)
        measure_die("usage: leat-bench-backlog SOCKET WORKER-PID JOBS BACKLOG TIMES");
    pid_t worker = (pid_t)strtol(argv[2], NULL, 10);
    struct filler filler = {.file = wire_read_file(argv[3])};
    int64_t backlog = strtoll(argv[4], NULL, 10), times = strtoll(argv[5], NULL, 10);
    wire_open(&wire, argv[1]);
    for (int64_t i = 0; i < times; i++)
        sum_s += drain_cpu_s(&wire, &filler, worker, backlog);
    printf("%.4f\n", sum_s * 1e6 / ((double)backlog * (double)times));
    wire_close(&wire);
    return 0;
}
