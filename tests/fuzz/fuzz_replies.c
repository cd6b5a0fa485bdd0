/* SPDX-License-Identifier: MIT */
/* Whatever Redis answers, and however it comes in pieces: each command is answered at
 * most once and in its turn, what is handed out is within the limits, and the pieces make
 * no difference. The link's socket is one end of a pair, the input comes out of the
 * other; only dialling is replaced. The first byte of the input says how: bits of enum
 * mode, the rest the pieces' length. */
#include "base/buf.h"
#include "broker/dial.h"
#include "broker/link.h"
#include "broker/script.h"
#include "fuzz.h"
#include "schema/limits.h"

#include <errno.h>
#include <ev.h>
#include <sanitizer/allocator_interface.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum mode { GREETS = 1, CALLS_SCRIPT = 2, STREAMS = 4, PIECE_SHIFT = 3 };

enum { COMMANDS = 5, INPUT_MAX = 2048 };

/* What an input may make the link keep: the arrays that it announces, and itself. */
enum { MEMORY_MAX = LIMIT_REPLY_ITEMS * sizeof(void *) + 1024 * 1024 };

static const char greeting[] =
    "+OK\r\n:7\r\n$41\r\nredis_version:7.0.15\r\nrun_id:0123456789\r\n\r\n";

/* ---- one end of a pair, instead of a connection ------------------------------------ */

struct dial {
    struct ev_loop *loop;
    dial_fn fn;
    void *arg;
    ev_timer timer;
};

static int far_end = -1;

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct dial *dial = watcher->data;
    dial_fn fn = dial->fn;
    void *arg = dial->arg;
    int pair[2];
    free(dial);
    if (far_end >= 0) {
        fn(arg, -1, "only one connection");
        return;
    }
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    far_end = pair[1];
    fn(arg, pair[0], NULL);
}

struct dial *dial_start(struct ev_loop *loop, const struct redis_url *url, dial_fn fn,
                        void *arg)
{
    struct dial *dial = xmalloc(sizeof *dial);
    (void)url;
    *dial = (struct dial){.loop = loop, .fn = fn, .arg = arg};
    ev_timer_init(&dial->timer, on_timer, 0, 0);
    dial->timer.data = dial;
    ev_timer_start(loop, &dial->timer);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    if (dial == NULL)
        return;
    ev_timer_stop(dial->loop, &dial->timer);
    free(dial);
}

/* ---- what the link tells ----------------------------------------------------------- */

struct run {
    struct ev_loop *loop;
    struct link *link;
    struct buf told; /* all of it, as text */
    int sending, downs, fatals, freed;
    struct asked {
        struct run *run;
        unsigned flags;
        int answers, ended;
    } asked[COMMANDS];
    int last; /* command that was answered last */
};

/* Write a reply down; returns how many items its arrays have. */
static size_t describe(struct buf *told, const struct redisReply *reply)
{
    size_t items = reply_count(reply);
    if (reply_is_int(reply))
        buf_addf(told, " %lld", (long long)reply_int(reply, 0));
    else if (reply_is_bytes(reply))
        buf_addf(told, " %zu:", reply_bytes(reply).len);
    else if (reply_is_array(reply))
        buf_addf(told, " [%zu", reply_count(reply));
    else
        buf_adds(told, reply_is_nil(reply) ? " nil" : " other");
    buf_add(told, reply_bytes(reply).at, reply_bytes(reply).len);
    for (size_t i = 0; i < reply_count(reply); i++)
        items += describe(told, reply_at(reply, i));
    return items;
}

static void check_order(struct asked *asked)
{
    struct run *run = asked->run;
    int index = (int)(asked - run->asked);
    MUST(run->downs > 0 || index >= run->last || (asked->flags & LINK_RETRY) != 0 ||
         index == 1); /* the script, said again as text */
    run->last = index > run->last ? index : run->last;
}

static void on_answer(void *arg, struct answer *answer)
{
    struct asked *asked = arg;
    struct run *run = asked->run;
    MUST(!run->sending && !run->freed && !asked->ended);
    buf_addf(&run->told, "%d: %d %s", (int)(asked - run->asked), answer->code,
             answer->text);
    MUST((answer->code == LEAT_OK) == (answer->reply != NULL));
    MUST(answer->code != LEAT_ELINK || (asked->flags & LINK_RESEND) == 0);
    MUST(strlen(answer->text) < INPUT_MAX);
    asked->ended = answer->code != LEAT_OK || (asked->flags & LINK_STREAM) == 0;
    if (answer->reply != NULL) {
        MUST(describe(&run->told, answer->reply) <= LIMIT_REPLY_ITEMS);
        check_order(asked);
    }
    buf_addc(&run->told, '\n');
}

static void on_up(void *arg)
{
    struct run *run = arg;
    buf_addf(&run->told, "up %s %d\n", link_server_version(run->link),
             (int)link_client_id(run->link));
}

static void on_down(void *arg, const char *why)
{
    struct run *run = arg;
    run->downs++;
    buf_addf(&run->told, "down %s\n", why);
}

static void on_fatal(void *arg, const struct err *err)
{
    struct run *run = arg;
    MUST(err->code != LEAT_OK && err->text[0] != '\0');
    run->fatals++;
    buf_addf(&run->told, "fatal %s\n", err->text);
}

/* ---- one run ----------------------------------------------------------------------- */

static void turn(struct run *run)
{
    char heard[4096];
    ev_run(run->loop, EVRUN_NOWAIT);
    while (far_end >= 0 && recv(far_end, heard, sizeof heard, 0) > 0)
        ;
}

/* Returns whether the link still listens. */
static int say(struct run *run, struct bytes piece)
{
    while (piece.len > 0) {
        ssize_t sent = send(far_end, piece.at, piece.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return 0;
        piece.at += sent > 0 ? sent : 0;
        piece.len -= sent > 0 ? (size_t)sent : 0;
        turn(run);
    }
    return 1;
}

static void start(struct run *run)
{
    struct link_config config = {.name = "fuzz",
                                 .serving = 1,
                                 .insist = 1,
                                 .give_up_ms = -1,
                                 .arg = run,
                                 .on_up = on_up,
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    run->loop = ev_loop_new(EVBACKEND_POLL);
    run->link = link_new(run->loop, &config);
    while (far_end < 0)
        turn(run);
    turn(run); /* the greeting leaves */
}

static void ask(struct run *run, int index, unsigned flags, struct cmd *cmd)
{
    struct asked *asked = &run->asked[index];
    *asked = (struct asked){.run = run, .flags = flags};
    run->sending = 1;
    MUST(link_send(run->link, cmd, flags, 0, on_answer, asked) == LEAT_OK);
    run->sending = 0;
}

static void ask_all(struct run *run, unsigned mode)
{
    struct cmd cmd = {0};
    cmd_set(&cmd, "INCR", "n", NULL);
    ask(run, 0, 0, &cmd);
    if ((mode & CALLS_SCRIPT) != 0) {
        cmd_call(&cmd, &script_table[0], 0);
        ask(run, 1, 0, &cmd);
    }
    cmd_set(&cmd, "GET", "text", NULL);
    ask(run, 2, LINK_RESEND, &cmd);
    ask(run, 3, LINK_RESEND | LINK_RETRY, &cmd);
    ask(run, 4, (mode & STREAMS) != 0 ? LINK_STREAM : 0, &cmd);
    cmd_fini(&cmd);
}

static struct buf run_with(struct bytes input, unsigned mode, size_t piece_len)
{
    struct run run = {0};
    size_t before = __sanitizer_get_current_allocated_bytes();
    far_end = -1;
    start(&run);
    if ((mode & GREETS) == 0) {
        MUST(say(&run, bytes_of(greeting)) && link_is_up(run.link));
        ask_all(&run, mode);
        turn(&run);
    }
    while (input.len > 0) {
        struct bytes piece = {input.at, input.len < piece_len ? input.len : piece_len};
        if (!say(&run, piece))
            break;
        input.at += piece.len;
        input.len -= piece.len;
    }
    turn(&run);
    MUST(__sanitizer_get_current_allocated_bytes() - before <= MEMORY_MAX);
    MUST(run.fatals <= 1);
    run.freed = 1;
    link_free(run.link);
    ev_loop_destroy(run.loop);
    close(far_end);
    return run.told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    struct bytes input = input_of(data + 1, size - 1);
    struct buf whole = run_with(input, data[0], INPUT_MAX);
    struct buf pieces = run_with(input, data[0], (size_t)(data[0] >> PIECE_SHIFT) + 1);
    /* A script sent again as text leaves between two pieces, but not within one. */
    if ((data[0] & CALLS_SCRIPT) == 0)
        MUST(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
