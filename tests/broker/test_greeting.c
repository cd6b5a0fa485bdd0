/* SPDX-License-Identifier: MIT */
/* How a link gets to Redis, and what it makes of the server that it finds. */
#include "probe.h"
#include "schema/queue.h"
#include "unit/suite.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Open with this address and await the end. */
static void expect_refusal(const char *url, int code, const char *part)
{
    probe.config.give_up_ms = -1;
    probe_open(url);
    AWAIT(probe.ups + probe.fatals > 0);
    ck_assert_int_eq(probe.ups, 0);
    ck_assert_msg(probe.err.code == code, "%d: %s", probe.err.code, probe.err.text);
    ck_assert_msg(strstr(probe.err.text, part) != NULL, "%s", probe.err.text);
    ck_assert_ptr_null(strstr(probe.err.text, "secret"));
    probe_close();
}

static void expect_greeting(const char *url)
{
    probe.config.give_up_ms = -1;
    probe_open(url);
    AWAIT(probe.ups + probe.fatals > 0);
    ck_assert_msg(probe.ups == 1, "%s", probe.err.text);
    SEND(0, "INCR", "n");
    AWAIT(probe.count > 0);
    ck_assert_msg(probe.answer[0].code == LEAT_OK, "%s", probe.answer[0].text);
    probe_close();
}

START_TEST(a_password_lets_in_and_a_wrong_one_does_not)
{
    char url[300];
    redis_fixture_start(&probe.redis, NULL);
    OTHER("ACL", "SETUSER", "joe", "on", ">secret", "~*", "&*", "+@all");
    snprintf(url, sizeof url, "unix://joe:secret@%s", probe.redis.socket);
    expect_greeting(url);
    snprintf(url, sizeof url, "unix://joe:secret2@%s", probe.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "refused the connection: WRONGPASS");
    snprintf(url, sizeof url, "unix://jim:secret@%s", probe.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "WRONGPASS");
    OTHER("CONFIG", "SET", "requirepass", "secret");
    snprintf(url, sizeof url, "unix://:secret@%s", probe.redis.socket);
    expect_greeting(url);
    snprintf(url, sizeof url, "unix://:secret2@%s", probe.redis.socket);
    expect_refusal(url, LEAT_EDENIED, "WRONGPASS");
    expect_refusal(probe.redis.url, LEAT_EDENIED, "NOAUTH");
    redis_fixture_stop(&probe.redis);
}
END_TEST

/* Say something on a connection of its own and await a word in the answer. */
static int hears(int fd, const char *line, const char *word)
{
    char said[10000];
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
        return 0;
    ssize_t len = recv(fd, said, sizeof said - 1, 0);
    said[len > 0 ? len : 0] = '\0';
    return strstr(said, word) != NULL;
}

static int occupy(const char *path)
{
    for (;;) {
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
        if (hears(fd, "PING\r\n", "PONG"))
            return fd;
        close(fd);
    }
}

/* Its answer to AUTH is then that it has too many clients. */
START_TEST(a_server_that_is_full_is_tried_again)
{
    char url[300];
    redis_fixture_start(&probe.redis, NULL);
    OTHER("ACL", "SETUSER", "joe", "on", ">secret", "~*", "&*", "+@all");
    OTHER("CONFIG", "SET", "maxclients", "1");
    int fd = occupy(probe.redis.socket);
    ck_assert(hears(fd, "CONFIG RESETSTAT\r\n", "OK"));
    probe.config.give_up_ms = -1;
    probe.config.insist = 1;
    snprintf(url, sizeof url, "unix://joe:secret@%s", probe.redis.socket);
    probe_open(url);
    AWAIT(probe.fatals > 0 || !hears(fd, "INFO stats\r\n", "\nrejected_connections:0\r"));
    for (int i = 0; i < 20; i++)
        ev_run(probe.loop, EVRUN_ONCE);
    ck_assert_msg(probe.fatals == 0, "%s", probe.err.text);
    close(fd);
    AWAIT(probe.ups == 1);
    probe_close();
    redis_fixture_stop(&probe.redis);
}
END_TEST

START_TEST(the_database_of_the_address_is_selected)
{
    char url[200];
    redis_fixture_start(&probe.redis, NULL);
    snprintf(url, sizeof url, "%s?db=3", probe.redis.url);
    expect_greeting(url);
    ck_assert_ptr_nonnull(strstr(OTHER("INFO", "keyspace"), "db3:keys=1,"));
    snprintf(url, sizeof url, "%s?db=99", probe.redis.url);
    expect_refusal(url, LEAT_ECONFIG, "DB index is out of range");
    redis_fixture_stop(&probe.redis);
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
    redis_fixture_start(&probe.redis, "--port", port, "--bind", "127.0.0.1", NULL);
    snprintf(url, sizeof url, "redis://127.0.0.1:%s", port);
    expect_greeting(url);
    snprintf(url, sizeof url, "redis://localhost:%s/1", port); /* maybe ::1 first */
    expect_greeting(url);
    redis_fixture_stop(&probe.redis);
}
END_TEST

START_TEST(without_redis_the_sentence_names_both_cures)
{
    char url[200];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", free_port());
    expect_refusal(url, LEAT_ELINK, "Connection refused");
    ck_assert_ptr_nonnull(strstr(probe.err.text, "start one"));
    ck_assert_ptr_nonnull(strstr(probe.err.text, "--redis"));
    ck_assert_ptr_nonnull(strstr(probe.err.text, "LEAT_REDIS"));
    expect_refusal("unix:///nowhere/redis.sock", LEAT_ELINK, "No such file");
    expect_refusal("redis://no-such-host.invalid", LEAT_ELINK, "no-such-host.invalid");
    expect_refusal("redis://:secret@no-such-host.invalid", LEAT_ELINK, "cannot reach");
}
END_TEST

START_TEST(a_server_that_may_evict_jobs_is_refused_by_those_who_serve)
{
    redis_fixture_start(&probe.redis, NULL);
    OTHER("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    expect_greeting(probe.redis.url);
    probe.config.serving = 1;
    expect_refusal(probe.redis.url, LEAT_ECONFIG, "noeviction");
    OTHER("CONFIG", "SET", "maxmemory-policy", "noeviction");
    expect_greeting(probe.redis.url);
    redis_fixture_stop(&probe.redis);
}
END_TEST

/* A server that tells of itself, in turn for each connection, what it is told to; ""
 * hangs up instead. */
static pid_t pretend(char path[108], const char *const *infos)
{
    int listener = probe_listen(path);
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
        if (**infos == '\0') {
            close(fd);
            continue;
        }
        /* CLIENT SETNAME, CLIENT ID and INFO come in one write. */
        int len = snprintf(said, sizeof said, "+OK\r\n:7\r\n$%zu\r\n%s\r\n",
                           strlen(*infos), *infos);
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
    probe_unlisten(path);
}

START_TEST(a_server_too_old_is_refused_with_its_version)
{
    static const char *const infos[] = {
        "# Server\r\nredis_version:6.2.7\r\nrun_id:1\r\nloading:0\r\n", NULL};
    char path[108], url[120];
    pid_t pid = pretend(path, infos);
    snprintf(url, sizeof url, "unix://%s", path);
    probe.config.serving = 1;
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
    probe.config.serving = 1;
    probe.config.give_up_ms = -1;
    probe_open(url);
    AWAIT(probe.ups == 1);
    ck_assert_str_eq(link_server_version(probe.link), "10.0.0");
    ck_assert_int_eq(probe.fatals, 0);
    probe_close();
    end_pretending(pid, path);
}
END_TEST

START_TEST(a_first_greeting_may_be_lost)
{
    static const char *const infos[] = {
        "", "", "# Server\r\nredis_version:7.0.15\r\nloading:0\r\n", NULL};
    char path[108], url[120];
    pid_t pid = pretend(path, infos);
    snprintf(url, sizeof url, "unix://%s", path);
    probe.config.serving = 1;
    probe.config.give_up_ms = -1;
    probe_open(url);
    AWAIT(probe.ups + probe.fatals > 0);
    ck_assert_msg(probe.ups == 1, "%s", probe.err.text);
    probe_close();
    end_pretending(pid, path);
}
END_TEST

START_TEST(a_refused_link_stays_quiet_when_the_server_goes_away)
{
    redis_fixture_start(&probe.redis, "--maxmemory-policy", "allkeys-lru", NULL);
    probe.config.serving = 1;
    probe_open(probe.redis.url);
    AWAIT(probe.fatals == 1);
    redis_fixture_kill9(&probe.redis);
    for (int i = 0; i < 20; i++)
        ev_run(probe.loop, EVRUN_ONCE);
    ck_assert_int_eq(probe.fatals, 1);
    ck_assert_int_eq(probe.downs, 0);
    probe_stop();
}
END_TEST

/* As a worker of this protocol: does it come up, and which number is there then? */
static void expect_protocol(int ours, const char *there)
{
    probe.config.serving = 1;
    probe.config.protocol = ours;
    expect_greeting(probe.redis.url);
    ck_assert_str_eq(OTHER("GET", PROTOCOL_KEY), there);
}

START_TEST(a_worker_tells_its_protocol_and_never_lowers_it)
{
    redis_fixture_start(&probe.redis, NULL);
    expect_greeting(probe.redis.url);
    ck_assert_str_eq(OTHER("EXISTS", PROTOCOL_KEY), "0"); /* that was no worker */
    expect_protocol(2, "2");
    expect_protocol(2, "2");
    expect_protocol(3, "3");
    probe.config.protocol = 2;
    expect_refusal(probe.redis.url, LEAT_ECONFIG, "it speaks protocol 3, this worker 2");
    ck_assert_str_eq(OTHER("GET", PROTOCOL_KEY), "3");
    redis_fixture_stop(&probe.redis);
}
END_TEST

START_TEST(a_protocol_that_is_no_number_is_refused)
{
    redis_fixture_start(&probe.redis, NULL);
    probe.config.serving = 1;
    probe.config.protocol = 1;
    OTHER("SET", PROTOCOL_KEY, "x");
    expect_refusal(probe.redis.url, LEAT_ECONFIG, "holds no number");
    OTHER("DEL", PROTOCOL_KEY);
    OTHER("LPUSH", PROTOCOL_KEY, "1");
    expect_refusal(probe.redis.url, LEAT_ECONFIG, "holds no number");
    redis_fixture_stop(&probe.redis);
}
END_TEST

/* To come up and drain is how room is made. */
START_TEST(a_server_without_room_is_told_the_protocol_all_the_same)
{
    redis_fixture_start(&probe.redis, "--maxmemory", "1", NULL);
    probe.config.serving = 1;
    probe.config.protocol = 1;
    probe_open(probe.redis.url);
    AWAIT(probe.ups + probe.fatals > 0);
    ck_assert_msg(probe.ups == 1, "%s", probe.err.text);
    ck_assert_str_eq(OTHER("GET", PROTOCOL_KEY), "1");
    probe_close();
    redis_fixture_stop(&probe.redis);
}
END_TEST

START_TEST(a_worker_is_judged_again_when_it_comes_back)
{
    redis_fixture_start(&probe.redis, NULL);
    probe.config.serving = 1;
    probe.config.protocol = 1;
    probe.config.give_up_ms = -1;
    probe_open(probe.redis.url);
    AWAIT(probe.ups == 1);
    OTHER("SET", PROTOCOL_KEY, "2");
    link_drop(probe.link, "the test says so");
    AWAIT(probe.ups > 1 || probe.fatals > 0);
    ck_assert_int_eq(probe.ups, 1);
    ck_assert_int_eq(probe.err.code, LEAT_ECONFIG);
    probe_close();
    redis_fixture_stop(&probe.redis);
}
END_TEST

SUITE("greeting", a_password_lets_in_and_a_wrong_one_does_not,
      a_server_that_is_full_is_tried_again, the_database_of_the_address_is_selected,
      addresses_may_be_numbers_or_names, without_redis_the_sentence_names_both_cures,
      a_server_that_may_evict_jobs_is_refused_by_those_who_serve,
      a_server_too_old_is_refused_with_its_version,
      a_server_that_loads_its_data_is_waited_for, a_first_greeting_may_be_lost,
      a_refused_link_stays_quiet_when_the_server_goes_away,
      a_worker_tells_its_protocol_and_never_lowers_it,
      a_protocol_that_is_no_number_is_refused,
      a_server_without_room_is_told_the_protocol_all_the_same,
      a_worker_is_judged_again_when_it_comes_back)
