/* SPDX-License-Identifier: MIT */
#include "private_redis.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SOCKET_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1,
    TAKE_OVER_MS = 10000, /* for a server whose parent was killed to end */
    LOOK_AGAIN_MS = 50,
};

/* ---- the directory ----------------------------------------------------------------- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

const char *private_redis_usual_folder(struct arena *arena)
{
    const char *state = variable("XDG_STATE_HOME"), *home = variable("HOME");
    if (state != NULL)
        return arena_printf(arena, "%s/leat", state);
    return home != NULL ? arena_printf(arena, "%s/.local/state/leat", home) : NULL;
}

/* Make a directory and those above it; what is there already stays as it is. */
static void make_folders(struct arena *arena, const char *folder)
{
    char *path = arena_dup(arena, bytes_of(folder));
    for (char *slash = path;
         *slash != '\0' && (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    mkdir(path, 0700);
}

/* The data is as private as this directory is. */
static int check_private(const char *folder, const char *cure, struct err *err)
{
    struct stat stat;
    if (lstat(folder, &stat) != 0)
        return err_set(err, LEAT_ECONFIG, "cannot make the directory %s: %s; %s", folder,
                       strerror(errno), cure);
    if (!S_ISDIR(stat.st_mode) || stat.st_uid != geteuid())
        return err_set(err, LEAT_ECONFIG, "%s is no directory of yours; %s", folder,
                       cure);
    if ((stat.st_mode & 077) != 0)
        return err_set(err, LEAT_ECONFIG,
                       "%s is open to other users; chmod 700 it, or %s", folder, cure);
    return LEAT_OK;
}

static int open_folder(struct private_redis *redis, const char *folder, struct err *err)
{
    char whole[PATH_MAX];
    make_folders(redis->arena, folder);
    int error = realpath(folder, whole) == NULL ? errno : 0;
    if (error != 0)
        return err_set(err, LEAT_ECONFIG,
                       "cannot make the state directory %s: %s; choose another one with "
                       "--state",
                       folder, strerror(error));
    redis->folder = arena_dup(redis->arena, bytes_of(whole));
    redis->data = arena_printf(redis->arena, "%s/redis", redis->folder);
    if (check_private(redis->folder, "choose another one with --state", err) != LEAT_OK)
        return err->code;
    mkdir(redis->data, 0700);
    return check_private(redis->data, "choose another one with --state", err);
}

/* ---- the lock ---------------------------------------------------------------------- */

struct owner {
    int64_t pid;
    char url[256], dashboard[256];
};

static int read_owner(int fd, struct owner *owner)
{
    char text[600], pid[24];
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return sscanf(text, "%23s %255s %255s", pid, owner->url, owner->dashboard) == 3 &&
           text_to_int(bytes_of(pid), &owner->pid) == 0;
}

static int refuse(const struct private_redis *redis, const struct owner *owner, int known,
                  int gone, struct err *err)
{
    if (gone)
        return err_set(
            err, LEAT_EBUSY,
            "the Redis of a leat up that was killed is still ending on %s; try "
            "again in a moment",
            redis->folder);
    if (!known)
        return err_set(err, LEAT_ELINK,
                       "another leat up is starting on %s; choose another --state",
                       redis->folder);
    return err_set(
        err, LEAT_ELINK,
        "leat up runs on %s already, as pid %lld: LEAT_REDIS=%s, dashboard %s; "
        "stop it, or choose another --state and --listen",
        redis->folder, (long long)owner->pid, owner->url, owner->dashboard);
}

/* A server whose parent was killed is on its way out: it is waited for. */
static int take_lock(struct private_redis *redis, struct err *err)
{
    struct timespec pause = {0, LOOK_AGAIN_MS * 1000000L};
    struct owner owner = {0};
    int64_t end_mono_ms = clock_mono_ms() + TAKE_OVER_MS;
    while (flock(redis->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        int known = read_owner(redis->lock_fd, &owner);
        int gone = known && kill((pid_t)owner.pid, 0) != 0 && errno == ESRCH;
        if (!gone || clock_mono_ms() > end_mono_ms)
            return refuse(redis, &owner, known, gone, err);
        nanosleep(&pause, NULL);
    }
    if (ftruncate(redis->lock_fd, 0) != 0)
        return err_set(err, LEAT_ECONFIG, "cannot write %s/lock: %s", redis->folder,
                       strerror(errno));
    return LEAT_OK;
}

static int open_lock(struct private_redis *redis, struct err *err)
{
    const char *path = arena_printf(redis->arena, "%s/lock", redis->folder);
    redis->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (redis->lock_fd < 0)
        return err_set(err, LEAT_ECONFIG,
                       "cannot write in the state directory: %s: %s; choose another one "
                       "with --state",
                       path, strerror(errno));
    return take_lock(redis, err);
}

void private_redis_announce(const struct private_redis *redis, const char *dashboard)
{
    /* Others only show it: nothing depends on it being there. */
    if (ftruncate(redis->lock_fd, 0) == 0)
        dprintf(redis->lock_fd, "%d %s %s\n", (int)getpid(), redis->url, dashboard);
}

/* ---- the socket -------------------------------------------------------------------- */

/* Short enough for a socket, and nothing in it that an address or a shell would
 * change. */
static int is_plain(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/._-+,=:";
    return strlen(path) <= SOCKET_MAX && path[strspn(path, plain)] == '\0';
}

/* Elsewhere the socket's directory is named after the state directory, so that the
 * address is the same at each start. */
static int socket_elsewhere(struct private_redis *redis, struct err *err)
{
    struct stat stat = {0};
    const char *run = variable("XDG_RUNTIME_DIR");
    lstat(redis->folder, &stat);
    for (int i = 0; i < 2; i++) {
        char *folder = arena_printf(redis->arena, "%s/leat-%u-%llx-%llx",
                                    i == 0 && run != NULL ? run : "/tmp",
                                    (unsigned)geteuid(), (unsigned long long)stat.st_dev,
                                    (unsigned long long)stat.st_ino);
        redis->socket = arena_printf(redis->arena, "%s/redis.sock", folder);
        if (!is_plain(redis->socket))
            continue;
        mkdir(folder, 0700);
        if (check_private(folder, "choose a shorter --state", i == 0 ? NULL : err) ==
            LEAT_OK)
            return LEAT_OK;
    }
    return LEAT_ECONFIG;
}

static int choose_socket(struct private_redis *redis, struct err *err)
{
    redis->socket = arena_printf(redis->arena, "%s/redis.sock", redis->folder);
    if (!is_plain(redis->socket) && socket_elsewhere(redis, err) != LEAT_OK)
        return err->code;
    redis->url = arena_printf(redis->arena, "unix://%s", redis->socket);
    return LEAT_OK;
}

/* ---- the server -------------------------------------------------------------------- */

const char *private_redis_which(struct arena *arena, const char *program)
{
    const char *at = getenv("PATH");
    for (at = at != NULL ? at : "/usr/bin:/bin"; *at != '\0'; at += *at == ':') {
        size_t len = strcspn(at, ":");
        const char *path = arena_printf(arena, "%.*s/%s", (int)len, at, program);
        if (len > 0 && access(path, X_OK) == 0)
            return path;
        at += len;
    }
    return NULL;
}

static int find_server(struct private_redis *redis, struct err *err)
{
    /* One binary, which acts by the name it is called with. */
    redis->server = private_redis_which(redis->arena, "redis-server");
    if (redis->server == NULL)
        redis->server = private_redis_which(redis->arena, "redis-check-rdb");
    if (redis->server == NULL)
        return err_set(err, LEAT_ELINK,
                       "there is no redis-server: apt-get install redis-tools, which "
                       "brings it without a service");
    return LEAT_OK;
}

pid_t private_redis_spawn(const struct private_redis *redis, const char *log,
                          struct err *err)
{
    /* clang-format off */
    const char *argv[] = {
        "redis-server", "--port", "0", "--daemonize", "no",
        "--unixsocket", redis->socket, "--unixsocketperm", "600",
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--aof-load-truncated", "no", "--maxmemory-policy", "noeviction", NULL};
    /* clang-format on */
    struct child_spec spec = {
        .file = redis->server,
        .argv = (char *const *)argv,
        .folder = redis->data,
        .log = log,
        .out_fd = -1,
        .kept_fd = redis->lock_fd,
        .death_signal = SIGTERM, /* it writes what it has, and ends */
    };
    return child_spawn(&spec, err);
}

/* Left to itself Redis 7.0.15 cuts off only the last command of a step that a crash cut
 * in the middle, and runs the rest of it when it starts after the next crash. Its own
 * tool cuts off the whole step, and asks before. */
int private_redis_repair(const struct private_redis *redis, const char *log)
{
    const char *argv[] = {"redis-check-aof", "--fix",
                          "appendonlydir/appendonly.aof.manifest", NULL};
    struct child_spec spec = {.file = redis->server,
                              .argv = (char *const *)argv,
                              .folder = redis->data,
                              .in = "y\n",
                              .log = log,
                              .out_fd = -1,
                              .kept_fd = redis->lock_fd,
                              .death_signal = SIGKILL};
    char words[300];
    int status;
    child_last_words(log, words, sizeof words);
    if (strstr(words, "Unexpected end of file reading the append only file") == NULL)
        return 0;
    pid_t pid = child_spawn(&spec, NULL);
    return pid > 0 && waitpid(pid, &status, 0) == pid && child_exit_status(status) == 0;
}

int private_redis_open(struct private_redis *redis, const char *folder,
                       struct arena *arena, struct err *err)
{
    *redis = (struct private_redis){.arena = arena, .lock_fd = -1};
    int code = open_folder(redis, folder, err);
    if (code == LEAT_OK)
        code = open_lock(redis, err);
    if (code == LEAT_OK)
        code = choose_socket(redis, err);
    return code == LEAT_OK ? find_server(redis, err) : code;
}

void private_redis_close(struct private_redis *redis)
{
    if (redis->lock_fd >= 0)
        close(redis->lock_fd);
    redis->lock_fd = -1;
}
