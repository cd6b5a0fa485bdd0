/* SPDX-License-Identifier: MIT */
/* Records of tracked jobs, and waiting for them: another client writes entries, the watch
 * must tell each of them once and in order, whatever happens to its connection. */
#include "broker/track.h"
#include "rig.h"
#include "unit/suite.h"

#include <ev.h>
#include <string.h>

enum { TURN_MS = 5, TURNS_MAX = 6000 };

static struct rig rig; /* its client writes, and is the asker of the watch */
static struct client asker;
static struct stream_watch *watch;
static ev_timer turn;

/* ---- those who wait ---------------------------------------------------------------- */

struct waiter {
    struct stream_wait wait;
    char heard[400]; /* states, each followed by a blank; "- " for no record */
    int failed;      /* with this code */
};

static void on_entry(struct stream_wait *wait, const struct stream_entry *entry)
{
    struct waiter *waiter = (struct waiter *)wait;
    struct track_record record = {0};
    const char *word = "-";
    if (entry != NULL)
        track_add(&record, entry);
    if (entry != NULL)
        word = track_state_name(record.state);
    if (entry != NULL && entry->is_old)
        strcat(waiter->heard, "old:");
    track_fini(&record);
    strncat(waiter->heard, word, sizeof waiter->heard - strlen(waiter->heard) - 2);
    strcat(waiter->heard, " ");
}

static void on_error(struct stream_wait *wait, const struct err *err)
{
    ((struct waiter *)wait)->failed = err->code;
}

static void add(struct waiter *waiter, const char *id)
{
    struct err err = {0};
    *waiter = (struct waiter){.wait = {.on_entry = on_entry, .on_error = on_error}};
    ck_assert_int_eq(track_key(&waiter->wait.key, &rig.queue, id, &rig.arena, &err), 0);
    ck_assert_msg(stream_watch_add(watch, &waiter->wait, &err) == LEAT_OK, "%s",
                  err.text);
}

static void on_turn(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

/* Turn the watch's loop until the condition holds. */
#define AWAIT(condition)                                                                 \
    do {                                                                                 \
        for (int i_ = 0; !(condition) && i_ < TURNS_MAX; i_++)                           \
            ev_run(asker.loop, EVRUN_ONCE);                                              \
        ck_assert_msg(condition, "%s", #condition);                                      \
    } while (0)

#define AWAIT_HEARD(waiter, text) AWAIT(strcmp((waiter)->heard, text) == 0)

static void start(void)
{
    struct err err = {0};
    rig_start(&rig);
    ck_assert_int_eq(client_open(&asker, rig.redis.url, 30000, &err), LEAT_OK);
    watch = stream_watch_new(asker.loop, &asker.url, asker.link);
    ev_timer_init(&turn, on_turn, TURN_MS / 1000.0, TURN_MS / 1000.0);
    ev_timer_start(asker.loop, &turn);
}

static void stop(void)
{
    struct ev_loop *loop = asker.loop;
    ev_timer_stop(loop, &turn);
    link_free(asker.link);
    asker.link = NULL;
    stream_watch_free(watch);
    client_close(&asker);
    rig_stop(&rig);
}

static void write_state(const char *id, const char *state)
{
    ASK(&rig, "XADD", rig_format(&rig, "{leat:q}:t:%s", id), "*", "state", state);
}

/* How many connections wait in XREAD. */
static int blocked(void)
{
    const char *list = rig_text(&rig, reply_bytes(ASK(&rig, "CLIENT", "LIST")));
    int count = 0;
    for (; (list = strstr(list, " name=leat-waiter ")) != NULL; list++)
        count += strncmp(strstr(list, " flags="), " flags=b", 8) == 0;
    return count;
}

static void cut(void)
{
    const char *list = rig_text(&rig, reply_bytes(ASK(&rig, "CLIENT", "LIST")));
    const char *name = strstr(list, " name=leat-waiter ");
    ck_assert_ptr_nonnull(name);
    while (name > list && name[-1] != '\n')
        name--;
    const char *id = rig_text(
        &rig, (struct bytes){name + strlen("id="), strcspn(name, " ") - strlen("id=")});
    ck_assert_int_eq(ASK_INT(&rig, "CLIENT", "KILL", "ID", id), 1);
}

/* ---- waiting ----------------------------------------------------------------------- */

START_TEST(a_wait_is_told_what_is_there_and_then_each_entry_that_comes)
{
    struct waiter a;
    start();
    write_state("a", "done");
    write_state("a", "queued");
    add(&a, "a");
    AWAIT_HEARD(&a, "old:done queued ");
    AWAIT(blocked() == 1);
    write_state("a", "running");
    write_state("a", "done");
    write_state("a", "queued");
    AWAIT_HEARD(&a, "old:done queued running done queued ");
    stop();
}
END_TEST

START_TEST(an_id_without_a_record_is_said_and_waited_for)
{
    struct waiter a;
    start();
    add(&a, "a");
    AWAIT_HEARD(&a, "- ");
    AWAIT(blocked() == 1);
    write_state("a", "queued");
    AWAIT_HEARD(&a, "- queued ");
    stop();
}
END_TEST

START_TEST(one_that_comes_later_joins_those_that_block)
{
    struct waiter a, b, twin;
    start();
    add(&a, "a");
    AWAIT(blocked() == 1);
    add(&b, "b");
    add(&twin, "a");
    AWAIT_HEARD(&twin, "- ");
    write_state("b", "done");
    write_state("a", "done");
    AWAIT_HEARD(&a, "- done ");
    AWAIT_HEARD(&b, "- done ");
    AWAIT_HEARD(&twin, "- done ");
    AWAIT(blocked() == 1);
    stop();
}
END_TEST

START_TEST(one_that_was_removed_hears_nothing)
{
    struct waiter a, b;
    start();
    add(&a, "a");
    stream_watch_remove(&a.wait);
    add(&a, "a");
    add(&b, "b");
    AWAIT(blocked() == 1);
    stream_watch_remove(&a.wait);
    stream_watch_remove(&a.wait);
    write_state("a", "done");
    write_state("b", "done");
    AWAIT_HEARD(&b, "- done ");
    ck_assert_str_eq(a.heard, "- ");
    stop();
}
END_TEST

START_TEST(what_comes_while_the_connection_is_cut_is_heard)
{
    struct waiter a;
    char want[400] = "- ";
    start();
    add(&a, "a");
    for (int i = 0; i < 5; i++) {
        AWAIT(blocked() == 1);
        cut();
        write_state("a", "running");
        strcat(want, "running ");
        AWAIT_HEARD(&a, want);
    }
    stop();
}
END_TEST

static void append_arg(const char *arg)
{
    int count = 0;
    while (rig.redis.args[count] != NULL)
        count++;
    rig.redis.args[count] = arg;
}

START_TEST(a_restart_of_redis_is_survived)
{
    struct waiter a, b;
    start();
    ASK(&rig, "CONFIG", "SET", "appendonly", "yes");
    ASK(&rig, "CONFIG", "SET", "appendfsync", "always");
    write_state("a", "queued");
    add(&a, "a");
    AWAIT(blocked() == 1);
    redis_fixture_kill9(&rig.redis);
    AWAIT(stream_watch_down_why(watch) != NULL);
    while (link_is_up(rig.client.link))
        ev_run(rig.client.loop, EVRUN_ONCE);
    add(&b, "b"); /* while nobody is there */
    append_arg("--appendonly");
    append_arg("yes");
    redis_fixture_restart(&rig.redis);
    while (!link_is_up(rig.client.link))
        ev_run(rig.client.loop, EVRUN_ONCE);
    AWAIT(blocked() == 1 && b.heard[0] != '\0');
    ck_assert_ptr_null(stream_watch_down_why(watch));
    write_state("a", "done");
    write_state("b", "done");
    AWAIT_HEARD(&a, "queued done ");
    AWAIT_HEARD(&b, "- done ");
    stop();
}
END_TEST

START_TEST(a_server_that_does_not_end_blocks_for_us_is_left_and_met_again)
{
    struct waiter a, b;
    start();
    ASK(&rig, "ACL", "SETUSER", "default", "-client|unblock");
    add(&a, "a");
    AWAIT(blocked() == 1);
    add(&b, "b");
    AWAIT(b.heard[0] != '\0');
    write_state("b", "done");
    AWAIT_HEARD(&b, "- done ");
    stop();
}
END_TEST

START_TEST(one_key_of_another_type_fails_its_own_wait_alone)
{
    struct waiter a, b;
    start();
    ASK(&rig, "SET", "{leat:q}:t:a", "somebody's");
    add(&a, "a");
    add(&b, "b");
    AWAIT(a.failed == LEAT_EFOREIGN);
    AWAIT(blocked() == 1);
    write_state("b", "done");
    AWAIT_HEARD(&b, "- done ");
    ck_assert_int_eq(b.failed, 0);
    stop();
}
END_TEST

START_TEST(there_are_so_many_waits_and_no_more)
{
    static struct waiter all[STREAM_WAITS_MAX], more;
    struct err err = {0};
    start();
    for (int i = 0; i < STREAM_WAITS_MAX; i++)
        add(&all[i], rig_format(&rig, "job-%d", i));
    more.wait.key = all[0].wait.key;
    ck_assert_int_eq(stream_watch_add(watch, &more.wait, &err), LEAT_EBUSY);
    AWAIT(blocked() == 1);
    for (int i = 0; i < STREAM_WAITS_MAX; i++)
        write_state(rig_format(&rig, "job-%d", i), "done");
    for (int i = 0; i < STREAM_WAITS_MAX; i++)
        AWAIT_HEARD(&all[i], "- done ");
    stop();
}
END_TEST

/* ---- records ----------------------------------------------------------------------- */

/* What Redis tells of job a, as JSON. */
static const char *told(void)
{
    struct track_record record = {0};
    struct buf out = {0};
    stream_put_look(&rig.client.cmd, "{leat:q}:t:a");
    track_add_all(&record, rig_ask(&rig));
    if (record.state != TRACK_NONE)
        track_json(&out, &rig.queue, "a", &record);
    const char *text = rig_text(&rig, buf_bytes(&out));
    buf_fini(&out);
    track_fini(&record);
    return text;
}

#define ADD(...)   ASK(&rig, "XADD", "{leat:q}:t:a", __VA_ARGS__)
#define SHOWN(...) "{\"id\":\"a\",\"queue\":\"q\",\"state\":" __VA_ARGS__ "}"

START_TEST(a_record_is_what_its_entries_say_together)
{
    rig_start(&rig);
    ck_assert_str_eq(told(), "");
    ADD("1-1", "state", "scheduled", "due", "17");
    ck_assert_str_eq(told(), SHOWN("\"scheduled\",\"at_ms\":1,\"due_ms\":17"));
    ADD("2-1", "state", "running", "attempt", "1");
    ADD("3-1", "progress", "{\"percent\": 3}", "new", "field");
    ck_assert_str_eq(told(), SHOWN("\"running\",\"at_ms\":3,\"attempt\":1,"
                                   "\"progress\":{\"percent\": 3}"));
    ADD("3-2", "stdout", "one\ntwo\n", "stderr", "\xff!");
    ADD("4-1", "state", "retry", "due", "18", "error", "a \"b\"");
    ck_assert_str_eq(told(), SHOWN("\"retry\",\"at_ms\":4,\"attempt\":1,\"due_ms\":18,"
                                   "\"error\":\"a \\\"b\\\"\","
                                   "\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"\uFFFD!\""));
    ADD("5-1", "state", "running", "attempt", "2");
    ck_assert_str_eq(told(), SHOWN("\"running\",\"at_ms\":5,\"attempt\":2"));
    ADD("6-1", "state", "done", "result", "[1,2]");
    ck_assert_str_eq(told(),
                     SHOWN("\"done\",\"at_ms\":6,\"attempt\":2,\"result\":[1,2]"));
    ADD("7-1", "state", "queued");
    ck_assert_str_eq(told(), SHOWN("\"queued\",\"at_ms\":7"));
    rig_stop(&rig);
}
END_TEST

START_TEST(what_no_script_of_ours_writes_is_left_out)
{
    static char large[LIMIT_RESULT_BYTES + 2];
    rig_start(&rig);
    memset(large, '1', sizeof large - 1);
    ADD("1-1", "state", "sleeping");
    ck_assert_str_eq(told(), SHOWN("\"running\",\"at_ms\":1"));
    ADD("2-1", "state", "done", "result", large, "progress", large, "attempt", "many");
    ck_assert_str_eq(told(), SHOWN("\"done\",\"at_ms\":2"));
    ADD("3-1", "state", "done", "result", "[1,2");
    ck_assert_str_eq(told(), SHOWN("\"done\",\"at_ms\":3,\"result\":\"[1,2\""));
    rig_stop(&rig);
}
END_TEST

START_TEST(only_an_id_that_a_job_can_have_names_a_record)
{
    const char *const bad[] = {
        "", "a b", "a/b", "a\xc3\xa4",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    struct queue queue;
    struct arena arena = {0};
    const char *key;
    queue_init(&queue, "q", NULL);
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(track_key(&key, &queue, bad[i], &arena, NULL), LEAT_EUSAGE);
    ck_assert_int_eq(track_key(&key, &queue, "Az09._:-", &arena, NULL), LEAT_OK);
    ck_assert_str_eq(key, "{leat:q}:t:Az09._:-");
    arena_fini(&arena);
}
END_TEST

SUITE("track", a_wait_is_told_what_is_there_and_then_each_entry_that_comes,
      an_id_without_a_record_is_said_and_waited_for,
      one_that_comes_later_joins_those_that_block, one_that_was_removed_hears_nothing,
      what_comes_while_the_connection_is_cut_is_heard, a_restart_of_redis_is_survived,
      a_server_that_does_not_end_blocks_for_us_is_left_and_met_again,
      one_key_of_another_type_fails_its_own_wait_alone,
      there_are_so_many_waits_and_no_more, a_record_is_what_its_entries_say_together,
      what_no_script_of_ours_writes_is_left_out,
      only_an_id_that_a_job_can_have_names_a_record)
