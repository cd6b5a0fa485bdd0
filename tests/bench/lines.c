/* SPDX-License-Identifier: MIT */
/* What two processes reach with nothing between them: hands lines of a file, round and
 * round, to a command, never more than WINDOW that it has not answered by a line yet.
 * Prints lines a second. */
#include "measure.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

extern char **environ;

struct peer {
    pid_t pid;
    int in, out;
};

static struct peer start(char **argv)
{
    int to[2], from[2];
    struct peer peer;
    posix_spawn_file_actions_t plumbing;
    if (pipe(to) != 0 || pipe(from) != 0)
        measure_die("pipe");
    posix_spawn_file_actions_init(&plumbing);
    posix_spawn_file_actions_adddup2(&plumbing, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&plumbing, from[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&plumbing, to[1]);
    posix_spawn_file_actions_addclose(&plumbing, from[0]);
    errno = posix_spawnp(&peer.pid, argv[0], &plumbing, NULL, argv, environ);
    if (errno != 0)
        measure_die(argv[0]);
    posix_spawn_file_actions_destroy(&plumbing);
    close(to[0]);
    close(from[1]);
    peer.in = to[1];
    peer.out = from[0];
    return peer;
}

/* Append the next line of the file, from its start again behind its end. */
static void next_line(struct buf *out, struct bytes file, struct bytes *rest)
{
    if (rest->len == 0)
        *rest = file;
    const char *end = memchr(rest->at, '\n', rest->len);
    if (end == NULL)
        measure_die("the file's last line has no end");
    size_t len = (size_t)(end + 1 - rest->at);
    buf_add(out, rest->at, len);
    *rest = (struct bytes){rest->at + len, rest->len - len};
}

/* Returns how many lines came. */
static int64_t take_answers(int fd)
{
    char piece[PIECE_BYTES];
    int64_t lines = 0;
    ssize_t got = read(fd, piece, sizeof piece);
    if (got <= 0)
        measure_die("the command ended");
    for (const char *at = piece, *stop = piece + got;
         (at = memchr(at, '\n', (size_t)(stop - at))) != NULL; at++)
        lines++;
    return lines;
}

static double exchange(const struct peer *peer, struct bytes file, int64_t count,
                       int64_t window)
{
    struct buf out = {0};
    struct bytes rest = file;
    int64_t sent = 0, answered = 0;
    double began_s = measure_now_s();
    while (answered < count) {
        buf_reset(&out);
        for (; sent < count && sent - answered < window; sent++)
            next_line(&out, file, &rest);
        if (out.len > 0)
            wire_send(peer->in, buf_bytes(&out));
        answered += take_answers(peer->out);
    }
    buf_fini(&out);
    return measure_now_s() - began_s;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        measure_die("usage: leat-bench-lines FILE LINES WINDOW COMMAND...");
    struct buf file = wire_read_file(argv[1]);
    int64_t count = strtoll(argv[2], NULL, 10), window = strtoll(argv[3], NULL, 10);
    struct peer peer = start(argv + 4);
    double seconds = exchange(&peer, buf_bytes(&file), count, window);
    printf("%.0f\n", (double)count / seconds);
    close(peer.in);
    waitpid(peer.pid, NULL, 0);
    buf_fini(&file);
    return 0;
}
