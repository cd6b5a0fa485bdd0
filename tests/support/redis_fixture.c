/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 10000, OWN_ARGS = 11 };

static _Noreturn void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "redis fixture: %s %s: %s\n", what, detail, strerror(errno));
    abort();
}

/* Debian's redis-tools carries the server under another name; which program it is, it
 * sees by its argv[0]. */
static _Noreturn void become_redis(const struct redis_fixture *redis)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char log[96];
    snprintf(log, sizeof log, "%s/redis.log", redis->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    char *const *args = (char *const *)redis->args;
    execvp(args[0], args);
    execv("/usr/bin/redis-check-rdb", args);
    _exit(127);
}

static int answers(const struct redis_fixture *redis)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", redis->socket);
    char reply[8] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
        write(fd, "PING\r\n", 6) == 6 && read(fd, reply, sizeof reply - 1) > 0) {
        close(fd);
        return strncmp(reply, "+PONG", 5) == 0; /* not `-LOADING` */
    }
    close(fd);
    return 0;
}

static void await_answer(const struct redis_fixture *redis)
{
    int64_t end_ms = clock_mono_ms() + START_MS;
    while (!answers(redis)) {
        if (waitpid(redis->pid, NULL, WNOHANG) == redis->pid)
            give_up("redis-server ended; see redis.log in", redis->dir);
        if (clock_mono_ms() > end_ms)
            give_up("redis-server does not answer at", redis->socket);
        poll(NULL, 0, 2);
    }
}

static void launch(struct redis_fixture *redis)
{
    redis->pid = fork();
    if (redis->pid < 0)
        give_up("fork", "");
    if (redis->pid == 0)
        become_redis(redis);
    await_answer(redis);
}

void redis_fixture_start(struct redis_fixture *redis, ...)
{
    *redis = (struct redis_fixture){.dir = "/tmp/leat-test.XXXXXX"};
    if (mkdtemp(redis->dir) == NULL)
        give_up("cannot make", redis->dir);
    snprintf(redis->socket, sizeof redis->socket, "%s/redis.sock", redis->dir);
    snprintf(redis->url, sizeof redis->url, "unix://%s", redis->socket);
    const char *own[OWN_ARGS] = {
        "redis-server", "--port", "0", "--unixsocket",       redis->socket, "--dir",
        redis->dir,     "--save", "",  "--maxmemory-policy", "noeviction"};
    int count = 0;
    for (; count < OWN_ARGS; count++)
        redis->args[count] = own[count];
    va_list more;
    va_start(more, redis);
    for (const char *arg; (arg = va_arg(more, const char *)) != NULL;) {
        if (count == REDIS_FIXTURE_ARGS_MAX - 1)
            give_up("too many arguments at", arg);
        redis->args[count++] = arg;
    }
    va_end(more);
    launch(redis);
}

static void end_with(struct redis_fixture *redis, int signal)
{
    if (redis->pid == 0)
        return;
    kill(redis->pid, signal);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
}

void redis_fixture_kill9(struct redis_fixture *redis)
{
    end_with(redis, SIGKILL);
}

/* Half a step at the end of its file: docs/operating-redis.md, "After a crash". */
static void mend(const struct redis_fixture *redis)
{
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork", "");
    if (pid == 0) {
        if (chdir(redis->dir) == 0)
            execlp("sh", "sh", "-c",
                   "f=appendonlydir/appendonly.aof.manifest; [ ! -e $f ] || "
                   "echo y | redis-check-aof --fix $f >>mended.log 2>&1",
                   (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

void redis_fixture_restart(struct redis_fixture *redis)
{
    redis_fixture_kill9(redis);
    mend(redis);
    launch(redis);
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

void redis_fixture_stop(struct redis_fixture *redis)
{
    end_with(redis, SIGTERM);
    nftw(redis->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
