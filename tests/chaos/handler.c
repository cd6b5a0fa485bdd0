/* SPDX-License-Identifier: MIT */
/* The handler of the chaos test's own jobs, of both kinds: `exec`, one job on stdin, or
 * `lines`, several at a time. What it does, and what it answers, stand in the args, the
 * answer last: {"do":"well","ms":5,…,"answer":{…}}.
 *   well     answer after so many ms
 *   error    fail; exec gives the answer all the same, which must have no effect
 *   crash    die in the middle of the answer
 *   hang     never answer, and do not end when told to
 * With `_once` behind it, it goes well from the second attempt on. After USR1 it
 * does nothing any more, and outlives a worker that does not kill it. */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IN_FLIGHT = 16, LINE_BYTES = 8192, ANSWER_FD = 3 };

struct order {
    char handle[24]; /* of lines; "" for a free place */
    char act[16];
    int64_t at_ms; /* when it is answered */
    char answer[LINE_BYTES];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put(int fd, const char *text, size_t len)
{
    if (write(fd, text, len) != (ssize_t)len)
        exit(1);
}

/* Behind `name`, which ends with what comes before its value. */
static const char *find(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    if (at == NULL) {
        fprintf(stderr, "no %s in %s\n", name, text);
        exit(100);
    }
    return at + strlen(name);
}

static void copy_word(char *to, size_t size, const char *from)
{
    size_t len = strcspn(from, "\"");
    snprintf(to, size, "%.*s", (int)len, from);
}

/* `depth` brackets close behind the answer. */
static void read_order(struct order *order, const char *text, int attempt, size_t depth)
{
    static const char once[] = "_once";
    const char *answer = find(text, "\"answer\":");
    copy_word(order->act, sizeof order->act, find(text, "\"do\":\""));
    order->at_ms = now_ms() + strtol(find(text, "\"ms\":"), NULL, 10);
    snprintf(order->answer, sizeof order->answer, "%.*s", (int)(strlen(answer) - depth),
             answer);
    char *suffix = strstr(order->act, once);
    if (suffix != NULL && attempt > 1)
        strcpy(order->act, "well");
    else if (suffix != NULL)
        *suffix = '\0';
}

static int does(const struct order *order, const char *act)
{
    return strcmp(order->act, act) == 0;
}

static _Noreturn void crash(int fd, const char *answer)
{
    put(fd, answer, strlen(answer) / 2);
    raise(SIGKILL);
    abort();
}

/* ---- exec -------------------------------------------------------------------------- */

static int run_one(void)
{
    static struct order order;
    static char args[LINE_BYTES];
    const char *attempt = getenv("LEAT_ATTEMPT");
    ssize_t len = read(STDIN_FILENO, args, sizeof args - 1);
    if (len <= 0 || attempt == NULL)
        return 100;
    read_order(&order, args, atoi(attempt), 1);
    if (does(&order, "hang")) {
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    int64_t left_ms = order.at_ms - now_ms(); /* less than 0 would be for ever */
    poll(NULL, 0, left_ms > 0 ? (int)left_ms : 0);
    if (does(&order, "crash"))
        crash(ANSWER_FD, order.answer);
    put(ANSWER_FD, order.answer, strlen(order.answer));
    return does(&order, "error");
}

/* ---- lines ------------------------------------------------------------------------- */

static struct order orders[IN_FLIGHT];

static struct order *place_of(const char *handle)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        if (strcmp(orders[i].handle, handle) == 0)
            return &orders[i];
    fprintf(stderr, "no place for %s\n", handle);
    exit(1);
}

static void answer(struct order *order, const char *more)
{
    char line[LINE_BYTES + 64];
    int len = snprintf(line, sizeof line, "{\"job\":\"%s\"%s\n", order->handle, more);
    put(STDOUT_FILENO, line, (size_t)len);
    order->handle[0] = '\0';
}

static void end_order(struct order *order)
{
    if (does(order, "crash"))
        crash(STDOUT_FILENO, order->answer);
    if (does(order, "error")) {
        answer(order, ",\"error\":\"it had to\"}");
        return;
    }
    order->answer[0] = ','; /* for its bracket */
    answer(order, order->answer);
}

static void take_line(const char *line)
{
    static const char cancel[] = "{\"cancel\":\"";
    char handle[24];
    if (strncmp(line, cancel, sizeof cancel - 1) == 0) {
        copy_word(handle, sizeof handle, line + sizeof cancel - 1);
        struct order *order = place_of(handle);
        if (!does(order, "hang"))
            answer(order, "}");
        return;
    }
    struct order *order = place_of("");
    copy_word(order->handle, sizeof order->handle, find(line, "\"job\":\""));
    read_order(order, line, atoi(find(line, "\"attempt\":")), 2);
}

/* Returns -1 when no more will come. */
static int read_lines(void)
{
    static char text[2 * IN_FLIGHT * LINE_BYTES];
    static size_t len;
    ssize_t got = read(STDIN_FILENO, text + len, sizeof text - 1 - len);
    if (got <= 0)
        return -1;
    char *line = text, *end;
    len += (size_t)got;
    for (; (end = memchr(line, '\n', len - (size_t)(line - text))); line = end + 1) {
        *end = '\0';
        take_line(line);
    }
    len -= (size_t)(line - text);
    memmove(text, line, len);
    return 0;
}

static int64_t next_ms(void)
{
    int64_t next = -1;
    for (int i = 0; i < IN_FLIGHT; i++)
        if (orders[i].handle[0] != '\0' && !does(&orders[i], "hang") &&
            (next < 0 || orders[i].at_ms < next))
            next = orders[i].at_ms;
    return next;
}

/* A job that hangs would end with its child. */
static int is_idle(void)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        if (orders[i].handle[0] != '\0')
            return 0;
    return 1;
}

static void end_due(void)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        if (orders[i].handle[0] != '\0' && !does(&orders[i], "hang") &&
            orders[i].at_ms <= now_ms())
            end_order(&orders[i]);
}

static int run_lines(void)
{
    static const char hello[] = "{\"in_flight\":16}\n";
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    put(STDOUT_FILENO, hello, sizeof hello - 1);
    for (;;) {
        int64_t next = next_ms(), wait_ms = next - now_ms();
        if (in.fd < 0 && is_idle())
            return 0;
        int came = poll(&in, 1, next < 0 ? -1 : wait_ms > 0 ? (int)wait_ms : 0);
        if (came > 0 && read_lines() != 0)
            in.fd = -1; /* not looked at any more */
        end_due();
    }
}

static void on_stay(int number)
{
    (void)number;
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    signal(SIGUSR1, on_stay);
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return run_one();
    if (argc > 1 && strcmp(argv[1], "lines") == 0)
        return run_lines();
    fprintf(stderr, "leat-chaos-handler exec|lines [MARK...]\n");
    return 64;
}
