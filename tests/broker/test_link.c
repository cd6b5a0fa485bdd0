/* SPDX-License-Identifier: MIT */
#include "broker/link.h"
#include "base/clock.h"
#include "broker/client.h"
#include "broker/script_call.h"
#include "support/redis_fixture.h"
#include "unit/suite.h"

#include <arpa/inet.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURN_MS = 5, DEADLINE_MS = 20000, ANSWERS = 1000 };

struct answered {
    int code;
    char text[200];
    int64_t number;
};

struct rig {
    struct redis_fixture redis;
    struct ev_loop *loop;
    ev_timer turn;
    struct link_config config;
    struct link *link;
    struct cmd cmd;
    int ups, downs, fatals, sending, count;
    const char *say_when_down; /* RPUSHed to `l` by on_down */
    struct err err;
    struct answered answer[ANSWERS];
};

static struct rig rig;

/* ---- a link ------------------------------------------------------------------------- */

static void on_turn(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

static void on_up(void *arg)
{
    ((struct rig *)arg)->ups++;
}

static void on_fatal(void *arg, const struct err *err)
{
    struct rig *r = arg;
    r->fatals++;
    r->err = *err;
}

static void on_answer(void *arg, struct answer *answer)
{
    struct rig *r = arg;
    ck_assert_int_eq(r->sending, 0);
    ck_assert_int_lt(r->count, ANSWERS);
    struct answered *kept = &r->answer[r->count++];
    kept->code = answer->code;
    kept->number = reply_int(answer->reply, -1);
    snprintf(kept->text, sizeof kept->text, "%s", answer->text);
}

static void on_down(void *arg, const char *why)
{
    struct rig *r = arg;
    ck_assert_uint_gt(strlen(why), 0);
    r->downs++;
    if (r->say_when_down == NULL)
        return;
    cmd_set(&r->cmd, "RPUSH", "l", r->say_when_down, NULL);
    ck_assert_int_eq(link_send(r->link, &r->cmd, LINK_RESEND, 0, on_answer, r), LEAT_OK);
}

/* Open a link; the rest of rig.config is set before. */
static void open_link(const char *url)
{
    struct err err = {0};
    ck_assert_msg(redis_url_parse(&rig.config.url, url, &err) == LEAT_OK, "%s", err.text);
    rig.config.arg = &rig;
    rig.config.on_up = on_up;
    rig.config.on_down = on_down;
    rig.config.on_fatal = on_fatal;
    rig.loop = ev_loop_new(EVFLAG_AUTO);
    ev_timer_init(&rig.turn, on_turn, TURN_MS / 1000.0, TURN_MS / 1000.0);
    ev_timer_start(rig.loop, &rig.turn);
    rig.link = link_new(rig.loop, &rig.config);
    ck_assert_int_eq(rig.ups + rig.fatals, 0);
}

static void close_link(void)
{
    link_free(rig.link);
    cmd_fini(&rig.cmd);
    ev_timer_stop(rig.loop, &rig.turn);
    ev_loop_destroy(rig.loop);
    redis_fixture_stop(&rig.redis);
}

/* Turn the loop until the condition holds. */
#define AWAIT(condition)                                                                 \
    do {                                                                                 \
        int64_t end_ms = clock_mono_ms() + DEADLINE_MS;                                  \
        while (!(condition)) {                                                           \
            ck_assert_msg(clock_mono_ms() < end_ms, "in vain: %s (%s)", #condition,      \
                          rig.err.text);                                                 \
            ev_run(rig.loop, EVRUN_ONCE);                                                \
        }                                                                                \
    } while (0)

static int send_cmd(unsigned flags)
{
    rig.sending = 1;
    int code = link_send(rig.link, &rig.cmd, flags, 0, on_answer, &rig);
    rig.sending = 0;
    return code;
}

#define SEND(flags, ...) (cmd_set(&rig.cmd, __VA_ARGS__, NULL), send_cmd(flags))

/* Ask on a connection of one's own. */
static const char *ask(const char *const *words)
{
    static char text[8192];
    struct client client;
    struct err err = {0};
    const struct redisReply *reply = NULL;
    client_open(&client, rig.redis.url, 10000, &err);
    ck_assert_msg(err.code == LEAT_OK, "%s", err.text);
    cmd_reset(&client.cmd);
    while (*words != NULL)
        cmd_adds(&client.cmd, *words++);
    ck_assert_msg(client_call(&client, &reply, &err) == LEAT_OK, "%s", err.text);
    struct bytes bytes = reply_bytes(reply);
    if (reply_is_int(reply))
        snprintf(text, sizeof text, "%lld", (long long)reply_int(reply, 0));
    else
        snprintf(text, sizeof text, "%.*s", (int)bytes.len, bytes.at);
    client_close(&client);
    return text;
}

#define OTHER(...) ask((const char *const[]){__VA_ARGS__, NULL})

static void start(void)
{
    redis_fixture_start(&rig.redis, NULL);
    rig.config.give_up_ms = -1;
    open_link(rig.redis.url);
    AWAIT(rig.ups == 1);
}

/* ---- answers ------------------------------------------------------------------------ */

START_TEST(answers_come_in_the_order_of_the_commands)
{
    start();
    for (int i = 0; i < ANSWERS; i++)
        ck_assert_int_eq(SEND(0, "INCR", "n"), LEAT_OK);
    ck_assert_int_eq(rig.count, 0);
    AWAIT(rig.count == ANSWERS);
    for (int i = 0; i < ANSWERS; i++)
        ck_assert_int_eq(rig.answer[i].number, i + 1);
    close_link();
}
END_TEST

START_TEST(commands_larger_than_a_socket_takes_at_once_arrive_whole)
{
    start();
    enum { LARGE = 3 * 1024 * 1024 };
    char *value = xcalloc(1, LARGE + 1);
    memset(value, 'x', LARGE);
    for (int i = 0; i < 3; i++)
        SEND(0, "APPEND", "large", value);
    AWAIT(rig.count == 3);
    ck_assert_int_eq(rig.answer[2].number, 3 * LARGE);
    free(value);
    close_link();
}
END_TEST

START_TEST(a_script_that_redis_forgot_is_sent_as_text)
{
    struct queue queue;
    start();
    queue_init(&queue, "q", NULL);
    for (int i = 0; i < 3; i++) {
        call_release(&rig.cmd, &queue);
        cmd_adds(&rig.cmd, "none");
        ck_assert_int_eq(send_cmd(0), LEAT_OK);
        SEND(0, "SCRIPT", "FLUSH");
        call_push(&rig.cmd, &queue, "p", i + 1);
        cmd_adds(&rig.cmd, "entry");
        send_cmd(0);
        AWAIT(rig.count == 3 * (i + 1));
    }
    for (int i = 0; i < 9; i++)
        ck_assert_msg(rig.answer[i].code == LEAT_OK, "%s", rig.answer[i].text);
    ck_assert_str_eq(OTHER("LLEN", queue.list), "3");
    close_link();
}
END_TEST

START_TEST(an_error_is_told_with_its_code_and_text)
{
    start();
    SEND(0, "SET", "text", "x");
    SEND(0, "INCR", "text");
    SEND(0, "LPUSH", "text", "x");
    SEND(0, "INCR", "n");
    AWAIT(rig.count == 4);
    ck_assert_int_eq(rig.answer[1].code, LEAT_EBUG);
    ck_assert_int_eq(rig.answer[2].code, LEAT_EFOREIGN);
    ck_assert(strncmp(rig.answer[2].text, "WRONGTYPE ", 10) == 0);
    ck_assert_int_eq(rig.answer[3].number, 1);
    close_link();
}
END_TEST

START_TEST(a_command_that_may_be_retried_waits_until_redis_can)
{
    start();
    OTHER("CONFIG", "SET", "maxmemory", "1");
    SEND(0, "SET", "k", "v");
    SEND(LINK_RETRY, "INCR", "n");
    AWAIT(rig.count == 1);
    ck_assert_int_eq(rig.answer[0].code, LEAT_EBUSY);
    ck_assert(strncmp(rig.answer[0].text, "OOM ", 4) == 0);
    OTHER("CONFIG", "SET", "maxmemory", "0");
    AWAIT(rig.count == 2);
    ck_assert_int_eq(rig.answer[1].number, 1);
    close_link();
}
END_TEST

/* ---- greeting ----------------------------------------------------------------------- */

/* Open with this address and await the end. */
static void expect_refusal(const char *url, int code, const char *part)
{
    rig.ups = rig.fatals = 0;
    rig.err = (struct err){0};
    rig.config.give_up_ms = -1;
    open_link(url);
    AWAIT(rig.ups + rig.fatals > 0);
    ck_assert_int_eq(rig.ups, 0);
    ck_assert_msg(rig.err.code == code, "%d: %s", rig.err.code, rig.err.text);
    ck_assert_msg(strstr(rig.err.text, part) != NULL, "%s", rig.err.text);
    ck_assert_ptr_null(strstr(rig.err.text, "secret"));
    link_free(rig.link);
    ev_timer_stop(rig.loop, &rig.turn);
    ev_loop_destroy(rig.loop);
}

static void expect_greeting(const char *url)
{
    rig.ups = rig.fatals = 0;
    rig.config.give_up_ms = -1;
    open_link(url);
    AWAIT(rig.ups + rig.fatals > 0);
    ck_assert_msg(rig.ups == 1, "%s", rig.err.text);
    SEND(0, "INCR", "n");
    AWAIT(rig.count > 0);
    ck_assert_msg(rig.answer[0].code == LEAT_OK, "%s", rig.answer[0].text);
    rig.count = 0;
    link_free(rig.link);
    ev_timer_stop(rig.loop, &rig.turn);
    ev_loop_destroy(rig.loop);
}

START_TEST(a_password_lets_in_and_a_wrong_one_does_not)
{
    char url[300];
    redis_fixture_start(&rig.redis, NULL);
    OTHER("ACL", "SETUSER", "joe", "on", ">secret", "~*", "&*", "+@all");
    snprintf(url, sizeof url, "unix://joe:secret@%s", rig.redis.socket);
    expect_greeting(url);
    snprintf(url, sizeof url, "unix://joe:secret2@%s", rig.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "refused the connection: WRONGPASS");
    snprintf(url, sizeof url, "unix://jim:secret@%s", rig.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "WRONGPASS");
    OTHER("CONFIG", "SET", "requirepass", "secret");
    snprintf(url, sizeof url, "unix://:secret@%s", rig.redis.socket);
    expect_greeting(url);
    snprintf(url, sizeof url, "unix://:secret2@%s", rig.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "WRONGPASS");
    rig.config.serving = 1; /* a program that serves asks at once */
    expect_refusal(rig.redis.url, LEAT_EDENIED, "NOAUTH");
    redis_fixture_stop(&rig.redis);
    cmd_fini(&rig.cmd);
}
END_TEST

START_TEST(the_database_of_the_address_is_selected)
{
    char url[200];
    redis_fixture_start(&rig.redis, NULL);
    snprintf(url, sizeof url, "%s?db=3", rig.redis.url);
    expect_greeting(url);
    ck_assert_ptr_nonnull(strstr(OTHER("INFO", "keyspace"), "db3:keys=1,"));
    snprintf(url, sizeof url, "%s?db=99", rig.redis.url);
    expect_refusal(url, LEAT_ECONFIG, "DB index is out of range");
    redis_fixture_stop(&rig.redis);
    cmd_fini(&rig.cmd);
}
END_TEST

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, len), 0);
    getsockname(fd, (struct sockaddr *)&addr, &len);
    close(fd);
    return ntohs(addr.sin_port);
}

START_TEST(addresses_may_be_numbers_or_names)
{
    char url[200], port[8];
    snprintf(port, sizeof port, "%d", free_port());
    redis_fixture_start(&rig.redis, "--port", port, "--bind", "127.0.0.1", NULL);
    snprintf(url, sizeof url, "redis://127.0.0.1:%s", port);
    expect_greeting(url);
    snprintf(url, sizeof url, "redis://localhost:%s/1", port); /* maybe ::1 first */
    expect_greeting(url);
    redis_fixture_stop(&rig.redis);
    cmd_fini(&rig.cmd);
}
END_TEST

START_TEST(without_redis_the_sentence_names_both_cures)
{
    char url[200];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", free_port());
    expect_refusal(url, LEAT_ELINK, "Connection refused");
    ck_assert_ptr_nonnull(strstr(rig.err.text, "start one"));
    ck_assert_ptr_nonnull(strstr(rig.err.text, "--redis"));
    ck_assert_ptr_nonnull(strstr(rig.err.text, "LEAT_REDIS"));
    expect_refusal("unix:///nowhere/redis.sock", LEAT_ELINK, "No such file");
    expect_refusal("redis://no-such-host.invalid", LEAT_ELINK, "no-such-host.invalid");
    expect_refusal("redis://:secret@no-such-host.invalid", LEAT_ELINK, "cannot reach");
}
END_TEST

START_TEST(a_server_that_may_evict_jobs_is_refused_by_those_who_serve)
{
    redis_fixture_start(&rig.redis, NULL);
    OTHER("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    expect_greeting(rig.redis.url);
    rig.config.serving = 1;
    expect_refusal(rig.redis.url, LEAT_ECONFIG, "noeviction");
    OTHER("CONFIG", "SET", "maxmemory-policy", "noeviction");
    expect_greeting(rig.redis.url);
    redis_fixture_stop(&rig.redis);
    cmd_fini(&rig.cmd);
}
END_TEST

/* A server that tells of itself, in turn for each connection, what it is told to. */
static pid_t pretend(char path[108], const char *const *infos)
{
    char dir[] = "/tmp/leat-test.XXXXXX";
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, 108, "%s/s", dir);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", dir);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    listen(listener, 8);
    pid_t pid = fork();
    if (pid != 0) {
        close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; *infos != NULL; infos++) {
        char asked[1000], said[1000];
        int fd = accept(listener, NULL, NULL);
        if (read(fd, asked, sizeof asked) <= 0)
            _exit(1);
        /* CLIENT ID and INFO come in one write. */
        int len =
            snprintf(said, sizeof said, ":7\r\n$%zu\r\n%s\r\n", strlen(*infos), *infos);
        if (write(fd, said, (size_t)len) != len)
            _exit(1);
        while (read(fd, asked, sizeof asked) > 0)
            if (write(fd, ":1\r\n", 4) != 4)
                break;
        close(fd);
    }
    _exit(0);
}

static void end_pretending(pid_t pid, char path[108])
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

START_TEST(a_server_too_old_is_refused_with_its_version)
{
    static const char *const infos[] = {
        "# Server\r\nredis_version:6.2.7\r\nrun_id:1\r\nloading:0\r\n", NULL};
    char path[108], url[120];
    pid_t pid = pretend(path, infos);
    snprintf(url, sizeof url, "unix://%s", path);
    rig.config.serving = 1;
    expect_refusal(url, LEAT_ECONFIG, "6.2.7");
    end_pretending(pid, path);
}
END_TEST

START_TEST(a_server_that_loads_its_data_is_waited_for)
{
    static const char *const infos[] = {
        "# Server\r\nredis_version:7.0.15\r\nloading:1\r\n",
        "# Server\r\nredis_version:7.0.15\r\nloading:1\r\n",
        "# Server\r\nredis_version:10.0.0\r\nloading:0\r\n", NULL};
    char path[108], url[120];
    pid_t pid = pretend(path, infos);
    snprintf(url, sizeof url, "unix://%s", path);
    rig.config.serving = 1;
    rig.config.give_up_ms = -1;
    open_link(url);
    AWAIT(rig.ups == 1);
    ck_assert_str_eq(link_server_version(rig.link), "10.0.0");
    ck_assert_int_eq(rig.fatals, 0);
    link_free(rig.link);
    ev_timer_stop(rig.loop, &rig.turn);
    ev_loop_destroy(rig.loop);
    end_pretending(pid, path);
}
END_TEST

START_TEST(a_refused_link_stays_quiet_when_the_server_goes_away)
{
    redis_fixture_start(&rig.redis, "--maxmemory-policy", "allkeys-lru", NULL);
    rig.config.serving = 1;
    open_link(rig.redis.url);
    AWAIT(rig.fatals == 1);
    redis_fixture_kill9(&rig.redis);
    for (int i = 0; i < 20; i++)
        ev_run(rig.loop, EVRUN_ONCE);
    ck_assert_int_eq(rig.fatals, 1);
    ck_assert_int_eq(rig.downs, 0);
    close_link();
}
END_TEST

/* ---- losses ------------------------------------------------------------------------- */

START_TEST(after_a_loss_some_are_sent_again_in_order_and_the_others_are_told)
{
    start();
    kill(rig.redis.pid, SIGSTOP);
    SEND(LINK_RESEND, "RPUSH", "l", "a");
    SEND(0, "RPUSH", "l", "b");
    SEND(LINK_RESEND, "RPUSH", "l", "c");
    for (int i = 0; i < 3; i++)
        ev_run(rig.loop, EVRUN_ONCE);
    rig.say_when_down = "d"; /* behind what was under way */
    redis_fixture_kill9(&rig.redis);
    AWAIT(rig.downs == 1);
    AWAIT(rig.count == 1);
    ck_assert_int_eq(rig.answer[0].code, LEAT_ELINK);
    ck_assert_int_eq(SEND(0, "RPUSH", "l", "never"), LEAT_ELINK);
    ck_assert_int_eq(SEND(LINK_RESEND, "RPUSH", "l", "e"), LEAT_OK);
    redis_fixture_restart(&rig.redis);
    AWAIT(rig.count == 5);
    ck_assert_int_eq(rig.ups, 2);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(rig.answer[i].number, i);
    ck_assert_str_eq(OTHER("LINDEX", "l", "0"), "a");
    ck_assert_str_eq(OTHER("LINDEX", "l", "1"), "c");
    ck_assert_str_eq(OTHER("LINDEX", "l", "2"), "d");
    ck_assert_str_eq(OTHER("LINDEX", "l", "3"), "e");
    close_link();
}
END_TEST

START_TEST(a_script_sent_as_text_is_sent_again_as_text)
{
    struct queue queue;
    start();
    queue_init(&queue, "q", NULL);
    for (int number = 1; number <= 3; number++) {
        call_push(&rig.cmd, &queue, "p", number);
        cmd_adds(&rig.cmd, "entry");
        send_cmd(LINK_RESEND);
        redis_fixture_restart(&rig.redis); /* which forgets the script, and the queue */
        AWAIT(rig.ups == number + 1);
        AWAIT(rig.count == number);
        ck_assert(rig.answer[number - 1].code == LEAT_OK ||
                  rig.answer[number - 1].code == LEAT_EGAP);
    }
    close_link();
}
END_TEST

START_TEST(a_link_gives_up_after_the_time_it_was_given)
{
    redis_fixture_start(&rig.redis, NULL);
    rig.config.give_up_ms = 200;
    open_link(rig.redis.url);
    AWAIT(rig.ups == 1);
    redis_fixture_kill9(&rig.redis);
    int64_t from_ms = clock_mono_ms();
    AWAIT(rig.fatals == 1);
    ck_assert_int_ge(clock_mono_ms() - from_ms, 150);
    ck_assert_int_eq(rig.err.code, LEAT_ELINK);
    close_link();
}
END_TEST

START_TEST(a_silent_server_is_left_when_patience_ends_and_found_again)
{
    start();
    kill(rig.redis.pid, SIGSTOP);
    cmd_set(&rig.cmd, "INCR", "n", NULL);
    link_send(rig.link, &rig.cmd, 0, 300, on_answer, &rig);
    int64_t from_ms = clock_mono_ms();
    AWAIT(rig.downs == 1);
    ck_assert_int_ge(clock_mono_ms() - from_ms, 300);
    ck_assert_int_eq(rig.answer[0].code, LEAT_ELINK);
    kill(rig.redis.pid, SIGCONT);
    AWAIT(rig.ups == 2);
    SEND(0, "INCR", "m");
    AWAIT(rig.count == 2);
    ck_assert_int_eq(rig.answer[1].number, 1);
    close_link();
}
END_TEST

START_TEST(a_command_with_more_patience_keeps_a_silent_connection)
{
    start();
    cmd_set(&rig.cmd, "BLPOP", "nothing", "1", NULL);
    link_send(rig.link, &rig.cmd, 0, 5000, on_answer, &rig);
    cmd_set(&rig.cmd, "INCR", "n", NULL);
    link_send(rig.link, &rig.cmd, 0, 100, on_answer, &rig); /* it waits behind that one */
    AWAIT(rig.count == 2);
    ck_assert_int_eq(rig.downs, 0);
    ck_assert_int_eq(rig.answer[1].number, 1);
    close_link();
}
END_TEST

/* A wire that does not tell the server of a client's end: what a broken network does. */
static pid_t mute_wire(const char *to, char path[108])
{
    enum { PAIRS = 8 };
    char dir[] = "/tmp/leat-test.XXXXXX";
    struct sockaddr_un addr = {.sun_family = AF_UNIX}, far = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, 108, "%s/s", dir);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", dir);
    snprintf(far.sun_path, sizeof far.sun_path, "%s", to);
    struct pollfd fds[1 + 2 * PAIRS];
    for (int i = 0; i < 1 + 2 * PAIRS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[0].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fds[0].fd, (struct sockaddr *)&addr, sizeof addr), 0);
    listen(fds[0].fd, PAIRS);
    pid_t pid = fork();
    if (pid != 0) {
        close(fds[0].fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int used = 1;
    while (poll(fds, (nfds_t)used, -1) > 0) {
        if (fds[0].revents != 0 && used < 1 + 2 * PAIRS) {
            fds[used++].fd = accept(fds[0].fd, NULL, NULL);
            fds[used].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(fds[used++].fd, (struct sockaddr *)&far, sizeof far) != 0)
                _exit(1);
        }
        for (int i = 1; i < used; i++) {
            char chunk[4096];
            int peer = (i - 1) % 2 == 0 ? i + 1 : i - 1;
            if (fds[i].fd < 0 || fds[i].revents == 0)
                continue;
            ssize_t got = read(fds[i].fd, chunk, sizeof chunk);
            if (got > 0)
                (void)!send(fds[peer].fd, chunk, (size_t)got, MSG_NOSIGNAL);
            else
                fds[i].fd = -1; /* left open towards the other side */
        }
    }
    _exit(0);
}

/* Is a connection with this id there? */
static int is_connected(int64_t id)
{
    char line[32];
    snprintf(line, sizeof line, "id=%lld ", (long long)id);
    const char *list = OTHER("CLIENT", "LIST");
    return strncmp(list, line, strlen(line)) == 0 || strstr(list, line) != NULL;
}

START_TEST(who_serves_has_its_old_connection_killed_before_it_comes_back)
{
    char path[108], url[120];
    redis_fixture_start(&rig.redis, NULL);
    pid_t wire = mute_wire(rig.redis.socket, path);
    snprintf(url, sizeof url, "unix://%s", path);
    rig.config.serving = 1;
    rig.config.give_up_ms = -1;
    open_link(url);
    AWAIT(rig.ups == 1);
    for (int loss = 1; loss <= 3; loss++) {
        int64_t old_id = link_client_id(rig.link);
        ck_assert_int_gt(old_id, 0);
        ck_assert(is_connected(old_id));
        SEND(0, "BLPOP", "nothing", "0");
        link_drop(rig.link, "a test");
        AWAIT(rig.downs == loss);
        ck_assert(is_connected(old_id)); /* nobody told the server */
        AWAIT(rig.ups == loss + 1);
        ck_assert(!is_connected(old_id));
        ck_assert_int_ne(link_client_id(rig.link), old_id);
    }
    kill(wire, SIGKILL);
    waitpid(wire, NULL, 0);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    close_link();
}
END_TEST

START_TEST(a_link_freed_with_commands_on_their_way_answers_none_of_them)
{
    start();
    kill(rig.redis.pid, SIGSTOP);
    for (int i = 0; i < 10; i++)
        SEND(i % 2 ? LINK_RESEND : 0, "INCR", "n");
    ev_run(rig.loop, EVRUN_ONCE);
    kill(rig.redis.pid, SIGCONT);
    close_link();
    ck_assert_int_eq(rig.count, 0);
}
END_TEST

SUITE("link", answers_come_in_the_order_of_the_commands,
      commands_larger_than_a_socket_takes_at_once_arrive_whole,
      a_script_that_redis_forgot_is_sent_as_text, an_error_is_told_with_its_code_and_text,
      a_command_that_may_be_retried_waits_until_redis_can,
      a_password_lets_in_and_a_wrong_one_does_not,
      the_database_of_the_address_is_selected, addresses_may_be_numbers_or_names,
      without_redis_the_sentence_names_both_cures,
      a_server_that_may_evict_jobs_is_refused_by_those_who_serve,
      a_server_too_old_is_refused_with_its_version,
      a_server_that_loads_its_data_is_waited_for,
      a_refused_link_stays_quiet_when_the_server_goes_away,
      after_a_loss_some_are_sent_again_in_order_and_the_others_are_told,
      a_script_sent_as_text_is_sent_again_as_text,
      a_link_gives_up_after_the_time_it_was_given,
      a_silent_server_is_left_when_patience_ends_and_found_again,
      a_command_with_more_patience_keeps_a_silent_connection,
      who_serves_has_its_old_connection_killed_before_it_comes_back,
      a_link_freed_with_commands_on_their_way_answers_none_of_them)
