/* SPDX-License-Identifier: MIT */
#include "broker/script_call.h"
#include "probe.h"
#include "unit/suite.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- answers ----------------------------------------------------------------------- */

START_TEST(answers_come_in_the_order_of_the_commands)
{
    probe_start();
    for (int i = 0; i < PROBE_ANSWERS; i++)
        ck_assert_int_eq(SEND(0, "INCR", "n"), LEAT_OK);
    ck_assert_int_eq(probe.count, 0);
    AWAIT(probe.count == PROBE_ANSWERS);
    for (int i = 0; i < PROBE_ANSWERS; i++)
        ck_assert_int_eq(probe.answer[i].number, i + 1);
    probe_stop();
}
END_TEST

START_TEST(commands_larger_than_a_socket_takes_at_once_arrive_whole)
{
    probe_start();
    enum { LARGE = 3 * 1024 * 1024 };
    char *value = xcalloc(1, LARGE + 1);
    memset(value, 'x', LARGE);
    for (int i = 0; i < 3; i++)
        SEND(0, "APPEND", "large", value);
    AWAIT(probe.count == 3);
    ck_assert_int_eq(probe.answer[2].number, 3LL * LARGE);
    free(value);
    probe_stop();
}
END_TEST

START_TEST(a_script_that_redis_forgot_is_sent_as_text)
{
    struct queue queue;
    probe_start();
    queue_init(&queue, "q", NULL);
    for (int i = 0; i < 3; i++) {
        script_release(&probe.cmd, &queue);
        cmd_adds(&probe.cmd, "none");
        ck_assert_int_eq(probe_send(0, 0), LEAT_OK);
        SEND(0, "SCRIPT", "FLUSH");
        script_push(&probe.cmd, &queue, "p", i + 1, NULL);
        cmd_adds(&probe.cmd, "entry");
        probe_send(0, 0);
        AWAIT(probe.count == 3 * (i + 1));
    }
    for (int i = 0; i < 9; i++)
        ck_assert_msg(probe.answer[i].code == LEAT_OK, "%s", probe.answer[i].text);
    ck_assert_str_eq(OTHER("LLEN", queue.list), "3");
    probe_stop();
}
END_TEST

START_TEST(what_is_sent_as_text_is_not_overtaken)
{
    struct queue queue;
    probe_start();
    queue_init(&queue, "q", NULL);
    for (int i = 0; i < 2; i++) { /* the digest unknown, and known */
        SEND(0, "LPUSH", queue.list, "entry");
        script_reserve(&probe.cmd, &queue, i ? "L2" : "L1", 1, 60000, 1000, 0);
        probe_send(LINK_TEXT, 0);
        SEND(0, "HLEN", queue.body);
        AWAIT(probe.count == 3 * (i + 1));
        ck_assert_int_eq(probe.answer[3 * i + 2].number, i + 1);
    }
    probe_stop();
}
END_TEST

START_TEST(an_error_is_told_with_its_code_and_text)
{
    probe_start();
    SEND(0, "SET", "text", "x");
    SEND(0, "INCR", "text");
    SEND(0, "LPUSH", "text", "x");
    SEND(0, "INCR", "n");
    AWAIT(probe.count == 4);
    ck_assert_int_eq(probe.answer[1].code, LEAT_EBUG);
    ck_assert_int_eq(probe.answer[2].code, LEAT_EFOREIGN);
    ck_assert(strncmp(probe.answer[2].text, "WRONGTYPE ", 10) == 0);
    ck_assert_int_eq(probe.answer[3].number, 1);
    probe_stop();
}
END_TEST

START_TEST(want_of_room_is_told_at_once)
{
    probe_start();
    OTHER("CONFIG", "SET", "maxmemory", "1");
    SEND(LINK_RETRY, "SET", "k", "v");
    AWAIT(probe.count == 1);
    ck_assert_int_eq(probe.answer[0].code, LEAT_EBUSY);
    ck_assert(strncmp(probe.answer[0].text, "OOM ", 4) == 0);
    OTHER("CONFIG", "SET", "maxmemory", "0");
    probe_stop();
}
END_TEST

START_TEST(a_command_that_may_be_retried_waits_until_redis_can)
{
    probe_start();
    OTHER("CONFIG", "SET", "min-replicas-to-write", "1");
    SEND(0, "SET", "k", "v");
    SEND(LINK_RETRY, "INCR", "n");
    AWAIT(probe.count == 1);
    ck_assert_int_eq(probe.answer[0].code, LEAT_EBUSY);
    ck_assert(strncmp(probe.answer[0].text, "NOREPLICAS ", 11) == 0);
    OTHER("CONFIG", "SET", "min-replicas-to-write", "0");
    AWAIT(probe.count == 2);
    ck_assert_int_eq(probe.answer[1].number, 1);
    probe_stop();
}
END_TEST

/* ---- losses ------------------------------------------------------------------------ */

START_TEST(after_a_loss_some_are_sent_again_in_order_and_the_others_are_told)
{
    probe_start();
    kill(probe.redis.pid, SIGSTOP);
    SEND(LINK_RESEND, "RPUSH", "l", "a");
    SEND(0, "RPUSH", "l", "b");
    SEND(LINK_RESEND, "RPUSH", "l", "c");
    for (int i = 0; i < 3; i++)
        ev_run(probe.loop, EVRUN_ONCE);
    probe.say_when_down = "d"; /* behind what was under way */
    redis_fixture_kill9(&probe.redis);
    AWAIT(probe.downs == 1);
    AWAIT(probe.count == 1);
    ck_assert_int_eq(probe.answer[0].code, LEAT_ELINK);
    ck_assert_int_eq(SEND(0, "RPUSH", "l", "never"), LEAT_ELINK);
    ck_assert_int_eq(SEND(LINK_RESEND, "RPUSH", "l", "e"), LEAT_OK);
    redis_fixture_restart(&probe.redis);
    AWAIT(probe.count == 5);
    ck_assert_int_eq(probe.ups, 2);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(probe.answer[i].number, i);
    ck_assert_str_eq(OTHER("LINDEX", "l", "0"), "a");
    ck_assert_str_eq(OTHER("LINDEX", "l", "1"), "c");
    ck_assert_str_eq(OTHER("LINDEX", "l", "2"), "d");
    ck_assert_str_eq(OTHER("LINDEX", "l", "3"), "e");
    probe_stop();
}
END_TEST

START_TEST(a_script_sent_as_text_is_sent_again_as_text)
{
    struct queue queue;
    probe_start();
    queue_init(&queue, "q", NULL);
    for (int number = 1; number <= 3; number++) {
        script_push(&probe.cmd, &queue, "p", number, NULL);
        cmd_adds(&probe.cmd, "entry");
        probe_send(LINK_RESEND, 0);
        redis_fixture_restart(&probe.redis); /* which forgets the script, and the queue */
        AWAIT(probe.ups == number + 1);
        AWAIT(probe.count == number);
        ck_assert(probe.answer[number - 1].code == LEAT_OK ||
                  probe.answer[number - 1].code == LEAT_EGAP);
    }
    probe_stop();
}
END_TEST

START_TEST(an_answer_too_large_is_told_and_not_asked_for_again)
{
    static const char fill[] =
        "local part = {} for i = 1, 1000 do part[i] = 'x' end "
        "for i = 1, 1001 do redis.call('RPUSH', 'l', unpack(part)) end";
    probe_start();
    OTHER("EVAL", fill, "0");
    SEND(LINK_RESEND, "LRANGE", "l", "0", "9999");
    SEND(LINK_RESEND, "LRANGE", "l", "0", "1000000");
    SEND(LINK_RESEND, "INCR", "n");
    AWAIT(probe.count == 3);
    ck_assert_int_eq(probe.answer[0].code, LEAT_OK);
    ck_assert_int_eq(probe.answer[1].code, LEAT_EDATA);
    ck_assert(strstr(probe.answer[1].text, "larger than") != NULL);
    ck_assert_int_eq(probe.answer[2].code, LEAT_OK);
    ck_assert_int_eq(probe.downs, 1);
    ck_assert_int_eq(probe.ups, 2);
    probe_stop();
}
END_TEST

START_TEST(a_link_gives_up_after_the_time_it_was_given)
{
    redis_fixture_start(&probe.redis, NULL);
    probe.config.give_up_ms = 200;
    probe_open(probe.redis.url);
    AWAIT(probe.ups == 1);
    redis_fixture_kill9(&probe.redis);
    int64_t from_ms = clock_mono_ms();
    AWAIT(probe.fatals == 1);
    ck_assert_int_ge(clock_mono_ms() - from_ms, 150);
    ck_assert_int_eq(probe.err.code, LEAT_ELINK);
    probe_stop();
}
END_TEST

START_TEST(a_silent_server_is_left_when_patience_ends_and_found_again)
{
    probe_start();
    kill(probe.redis.pid, SIGSTOP);
    cmd_set(&probe.cmd, "INCR", "n", NULL);
    probe_send(0, 300);
    int64_t from_ms = clock_mono_ms();
    AWAIT(probe.downs == 1);
    ck_assert_int_ge(clock_mono_ms() - from_ms, 300);
    ck_assert_int_eq(probe.answer[0].code, LEAT_ELINK);
    kill(probe.redis.pid, SIGCONT);
    AWAIT(probe.ups == 2);
    SEND(0, "INCR", "m");
    AWAIT(probe.count == 2);
    ck_assert_int_eq(probe.answer[1].number, 1);
    probe_stop();
}
END_TEST

/* The test is the server here: a byte comes at a time, and each time within the
 * patience. */
START_TEST(an_answer_that_comes_slowly_is_no_silence)
{
    enum { PATIENCE_MS = 3000, BYTE_MS = 200 };
    static const char text[] = "$20\r\n01234567890123456789\r\n";
    char path[108], url[120];
    int listener = probe_listen(path);
    snprintf(url, sizeof url, "unix://%s", path);
    probe_open(url);
    struct pollfd caller = {.fd = listener, .events = POLLIN};
    AWAIT(poll(&caller, 1, 0) == 1);
    int fd = accept(listener, NULL, NULL);
    ck_assert_int_eq(write(fd, "+OK\r\n", 5), 5);
    AWAIT(probe.ups == 1);
    cmd_set(&probe.cmd, "GET", "k", NULL);
    probe_send(0, PATIENCE_MS);
    for (const char *at = text; *at != '\0'; at++) {
        int64_t from_ms = clock_mono_ms();
        ck_assert_int_eq(write(fd, at, 1), 1);
        AWAIT(clock_mono_ms() - from_ms >= BYTE_MS);
    }
    AWAIT(probe.count == 1);
    ck_assert_int_eq(probe.downs, 0);
    close(fd);
    close(listener);
    probe_unlisten(path);
    probe_close();
}
END_TEST

START_TEST(a_command_with_more_patience_keeps_a_silent_connection)
{
    probe_start();
    cmd_set(&probe.cmd, "BLPOP", "nothing", "1", NULL);
    probe_send(0, 5000);
    cmd_set(&probe.cmd, "INCR", "n", NULL);
    probe_send(0, 100); /* it waits behind that one */
    AWAIT(probe.count == 2);
    ck_assert_int_eq(probe.downs, 0);
    ck_assert_int_eq(probe.answer[1].number, 1);
    probe_stop();
}
END_TEST

/* A wire that does not tell the server of a client's end: what a broken network does. */
static pid_t mute_wire(const char *to, char path[108])
{
    enum { PAIRS = 8 };
    struct sockaddr_un far = {.sun_family = AF_UNIX};
    snprintf(far.sun_path, sizeof far.sun_path, "%s", to);
    struct pollfd fds[1 + 2 * PAIRS];
    for (int i = 0; i < 1 + 2 * PAIRS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[0].fd = probe_listen(path);
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
    redis_fixture_start(&probe.redis, NULL);
    pid_t wire = mute_wire(probe.redis.socket, path);
    snprintf(url, sizeof url, "unix://%s", path);
    probe.config.serving = 1;
    probe.config.give_up_ms = -1;
    probe_open(url);
    AWAIT(probe.ups == 1);
    for (int loss = 1; loss <= 3; loss++) {
        int64_t old_id = link_client_id(probe.link);
        ck_assert_int_gt(old_id, 0);
        ck_assert(is_connected(old_id));
        SEND(0, "BLPOP", "nothing", "0");
        link_drop(probe.link, "a test");
        AWAIT(probe.downs == loss);
        ck_assert(is_connected(old_id)); /* nobody told the server */
        AWAIT(probe.ups == loss + 1);
        ck_assert(!is_connected(old_id));
        ck_assert_int_ne(link_client_id(probe.link), old_id);
    }
    kill(wire, SIGKILL);
    waitpid(wire, NULL, 0);
    probe_unlisten(path);
    probe_stop();
}
END_TEST

START_TEST(a_link_freed_with_commands_on_their_way_answers_none_of_them)
{
    probe_start();
    kill(probe.redis.pid, SIGSTOP);
    for (int i = 0; i < 10; i++)
        SEND(i % 2 ? LINK_RESEND : 0, "INCR", "n");
    ev_run(probe.loop, EVRUN_ONCE);
    kill(probe.redis.pid, SIGCONT);
    probe_stop();
    ck_assert_int_eq(probe.count, 0);
}
END_TEST

/* ---- streams ----------------------------------------------------------------------- */

START_TEST(a_stream_is_told_each_message_and_its_silence_is_no_loss)
{
    probe_start();
    cmd_set(&probe.cmd, "SUBSCRIBE", "news", NULL);
    ck_assert_int_eq(probe_send(LINK_STREAM, 100), LEAT_OK);
    AWAIT(probe.count == 1);
    int64_t from_ms = clock_mono_ms();
    AWAIT(clock_mono_ms() - from_ms > 1200); /* more than two looks at a link's silence */
    for (int i = 0; i < 3; i++)
        OTHER("PUBLISH", "news", "x");
    AWAIT(probe.count == 4);
    ck_assert_int_eq(probe.downs, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(probe.answer[i].code, LEAT_OK);
    probe_stop();
}
END_TEST

START_TEST(a_stream_is_told_once_of_its_loss_and_does_not_come_back)
{
    probe_start();
    SEND(LINK_STREAM, "SUBSCRIBE", "news");
    AWAIT(probe.count == 1);
    OTHER("CLIENT", "KILL", "TYPE", "pubsub");
    AWAIT(probe.ups == 2);
    SEND(0, "INCR", "n");
    AWAIT(probe.count == 3);
    ck_assert_int_eq(probe.answer[1].code, LEAT_ELINK);
    ck_assert_int_eq(probe.answer[2].number, 1);
    ck_assert_str_eq(OTHER("PUBLISH", "news", "x"), "0");
    probe_stop();
}
END_TEST

START_TEST(a_stream_that_is_refused_ends_and_makes_room)
{
    probe_start();
    SEND(LINK_STREAM, "SUBSCRIBE");
    SEND(0, "INCR", "n");
    AWAIT(probe.count == 2);
    ck_assert_int_eq(probe.answer[0].code, LEAT_EBUG);
    ck_assert_int_eq(probe.answer[1].number, 1);
    probe_stop();
}
END_TEST

START_TEST(a_poll_reads_all_that_has_arrived_without_the_loop)
{
    enum { LARGE = 100 * 1000 }; /* more than one read takes */
    char *text = xcalloc(1, LARGE + 1);
    memset(text, 'x', LARGE);
    probe_start();
    SEND(LINK_STREAM, "SUBSCRIBE", "news");
    AWAIT(probe.count == 1);
    link_poll(probe.link);
    ck_assert_int_eq(probe.count, 1);
    OTHER("PUBLISH", "news", text);
    OTHER("PUBLISH", "news", "x");
    OTHER("PING"); /* who publishes is answered before those who listen */
    link_poll(probe.link);
    ck_assert_int_eq(probe.count, 3);
    free(text);
    probe_stop();
}
END_TEST

START_TEST(a_hang_up_is_seen_behind_what_is_unread_and_a_poll_meets_it)
{
    probe_start();
    SEND(LINK_STREAM, "SUBSCRIBE", "news");
    AWAIT(probe.count == 1);
    ck_assert(link_is_whole(probe.link));
    OTHER("PUBLISH", "news", "x");
    ck_assert(link_is_whole(probe.link));
    OTHER("CLIENT", "KILL", "TYPE", "pubsub");
    ck_assert(!link_is_whole(probe.link));
    ck_assert(link_is_up(probe.link));
    link_poll(probe.link);
    ck_assert_int_eq(probe.count, 3);
    ck_assert_int_eq(probe.answer[1].code, LEAT_OK);
    ck_assert_int_eq(probe.answer[2].code, LEAT_ELINK);
    ck_assert_int_eq(probe.downs, 1);
    ck_assert(!link_is_up(probe.link) && !link_is_whole(probe.link));
    link_poll(probe.link); /* of nothing */
    probe_stop();
}
END_TEST

SUITE("link", answers_come_in_the_order_of_the_commands,
      commands_larger_than_a_socket_takes_at_once_arrive_whole,
      a_script_that_redis_forgot_is_sent_as_text, what_is_sent_as_text_is_not_overtaken,
      an_error_is_told_with_its_code_and_text, want_of_room_is_told_at_once,
      a_command_that_may_be_retried_waits_until_redis_can,
      after_a_loss_some_are_sent_again_in_order_and_the_others_are_told,
      a_script_sent_as_text_is_sent_again_as_text,
      an_answer_too_large_is_told_and_not_asked_for_again,
      a_link_gives_up_after_the_time_it_was_given,
      a_silent_server_is_left_when_patience_ends_and_found_again,
      an_answer_that_comes_slowly_is_no_silence,
      a_command_with_more_patience_keeps_a_silent_connection,
      who_serves_has_its_old_connection_killed_before_it_comes_back,
      a_link_freed_with_commands_on_their_way_answers_none_of_them,
      a_stream_is_told_each_message_and_its_silence_is_no_loss,
      a_stream_is_told_once_of_its_loss_and_does_not_come_back,
      a_stream_that_is_refused_ends_and_makes_room,
      a_poll_reads_all_that_has_arrived_without_the_loop,
      a_hang_up_is_seen_behind_what_is_unread_and_a_poll_meets_it)
