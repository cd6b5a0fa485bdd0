/* SPDX-License-Identifier: MIT */
#include "worker/lines_child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "schema/job_answer.h"
#include "schema/members.h"
#include "worker/call.h"
#include "worker/program.h"
#include "worker/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    STDERR_LINE_BYTES = 4096,
    SHOWN_BYTES = 60,             /* of what it answered wrongly */
    SAID_BYTES = 160,             /* of its last line on stderr, in an error */
    MEASURE_MS = 100,             /* its memory is not looked at more often */
    OUT_KEPT_BYTES = 1024 * 1024, /* more is not kept when all of it was written */
};

static const struct handler_keys *keys_of(const struct lines_child *child)
{
    return &child->spec->handler->config->keys;
}

static struct ev_loop *loop_of(const struct lines_child *child)
{
    return child->spec->handler->worker->loop;
}

static int holds_calls(const struct lines_child *child)
{
    return child->calls.held > 0;
}

/* ---- its end ----------------------------------------------------------------------- */

/* What a pipe holds is known even when nobody reads it any more. */
static void stop_writing(struct lines_child *child)
{
    int unread;
    if (child->writable.fd < 0)
        return;
    ev_io_stop(loop_of(child), &child->writable);
    child->has_read =
        ioctl(child->writable.fd, FIONREAD, &unread) != 0 || unread < child->put_bytes;
    close(child->writable.fd);
    child->writable.fd = -1;
}

static void await_exit(struct lines_child *child, int64_t ms, const char *late_why)
{
    child->late_why = late_why;
    ev_timer_stop(loop_of(child), &child->late);
    ev_timer_set(&child->late, (double)ms / 1000, 0);
    ev_timer_start(loop_of(child), &child->late);
}

static void doom(struct lines_child *child)
{
    child->state = LINES_CHILD_DOOMED;
    stop_writing(child);
    child_process_signal(&child->process, SIGKILL);
    child->spec->on_change(child->spec->arg);
}

/* It broke the protocol. One that is dead already, perhaps amid a line, died of
 * something else. */
static void refuse(struct lines_child *child, const char *what, struct bytes shown)
{
    struct buf text = {0};
    if (child->state == LINES_CHILD_DOOMED || child->process.pid == 0)
        return;
    text_printable(&text, shown, SHOWN_BYTES);
    err_set(&child->fault, LEAT_EDATA, "handler was killed: %s%s%s", what,
            shown.len > 0 ? ": " : "", buf_text(&text));
    buf_fini(&text);
    doom(child);
}

/* It closed a pipe. If it is dying, what it dies of is the better reason: wait for
 * that. */
static void lose(struct lines_child *child, const char *why)
{
    if (child->state == LINES_CHILD_DOOMED || child->process.pid == 0)
        return;
    child->state = LINES_CHILD_LEAVES;
    stop_writing(child);
    await_exit(child, keys_of(child)->grace_ms, why);
    child->spec->on_change(child->spec->arg);
}

static void end_calls(struct lines_child *child, const char *why)
{
    struct lines_call *place;
    while ((place = lines_calls_first(&child->calls)) != NULL) {
        struct call *call = lines_calls_remove(&child->calls, place);
        if (child->gives_back)
            call_give_back(call, why);
        else if (!child->has_read)
            call_later(call, child->spec->again_ms, why);
        else
            call_fail(call, why, 0);
    }
}

static void over(struct lines_child *child, int is_well, const char *why)
{
    int calls = child->calls.held;
    child->state = LINES_CHILD_DOOMED;
    stop_writing(child);
    if (is_well && calls == 0)
        log_debug("handler's child has left", log_text("type", child->spec->log->type),
                  log_number("child", child->writer.child));
    else
        log_warn("handler's child is gone", log_text("type", child->spec->log->type),
                 log_number("child", child->writer.child), log_text("err", why),
                 log_number("jobs", calls));
    end_calls(child, why);
    child->spec->on_gone(child->spec->arg, child, why);
}

/* What it said on stderr since its last answer may tell why. */
static void write_death(struct buf *out, const struct lines_child *child, int wait_status)
{
    char status[CHILD_PROCESS_STATUS_BYTES];
    child_process_status_text(wait_status, status);
    buf_addf(out, "handler died of %s", status);
    if (!child->has_said)
        return;
    buf_adds(out, ": ");
    text_printable(out, pipe_reader_last_line(&child->err), SAID_BYTES);
}

static void on_exited(void *arg, int wait_status)
{
    struct lines_child *child = arg;
    struct buf why = {0};
    pipe_reader_finish(&child->answers);
    pipe_reader_finish(&child->err);
    if (child->fault.code != LEAT_OK)
        buf_adds(&why, child->fault.text);
    else
        write_death(&why, child, wait_status);
    over(child, wait_status == 0, buf_text(&why));
    buf_fini(&why);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct lines_child *child = timer->data;
    child->has_read |= child->process.pid != 0; /* by now it may have */
    if (child->process.pid == 0)
        over(child, 0, child->fault.text);
    else
        refuse(child, child->late_why, bytes_of(""));
}

/* ---- leaving ----------------------------------------------------------------------- */

/* The end of its input tells it to exit. */
static void dismiss(struct lines_child *child)
{
    stop_writing(child);
    await_exit(child, keys_of(child)->grace_ms,
               "it did not exit at the end of its standard input");
}

void lines_child_leave(struct lines_child *child)
{
    if (child->state != LINES_CHILD_TAKES)
        return;
    child->state = LINES_CHILD_LEAVES;
    child->spec->on_change(child->spec->arg);
    if (!holds_calls(child))
        dismiss(child);
}

static int is_too_large(struct lines_child *child)
{
    int64_t max_bytes = keys_of(child)->recycle_mb * 1024 * 1024;
    int64_t now_mono_ms;
    if (max_bytes == 0 ||
        (now_mono_ms = clock_mono_ms()) - child->measured_mono_ms < MEASURE_MS)
        return 0;
    child->measured_mono_ms = now_mono_ms;
    return resident_bytes(child->process.pid) > max_bytes;
}

static int is_worn(struct lines_child *child)
{
    int64_t max = keys_of(child)->recycle_jobs;
    return (max > 0 && child->started >= max) || is_too_large(child);
}

/* ---- what it answers --------------------------------------------------------------- */

static void note_end(struct lines_child *child)
{
    child->has_said = 0;
    if (child->answered++ == 0)
        child->spec->on_change(child->spec->arg);
    if (child->state == LINES_CHILD_LEAVES && !holds_calls(child))
        dismiss(child);
    else if (child->state == LINES_CHILD_TAKES && is_worn(child))
        lines_child_leave(child);
}

static void end_call(struct lines_child *child, struct lines_call *place,
                     const struct job_answer *answer)
{
    const char *fault = place->fault;
    struct call *call = lines_calls_remove(&child->calls, place);
    if (fault != NULL)
        call_fail(call, fault, 0);
    else
        call_answer(call, answer);
    note_end(child);
}

static struct lines_call *find_place(struct lines_child *child,
                                     const struct members *members)
{
    struct bytes handle;
    const struct member *job = members_find(members, "job");
    if (job == NULL || member_text(job, &child->arena, &handle) != 0)
        return NULL;
    return lines_calls_find(&child->calls, handle);
}

/* An answer that breaks a rule fails its job, if it can be told which; but not before the
 * job has ended, for its child still works on it. */
static void take_wrong(struct lines_child *child, struct bytes line, const char *why)
{
    struct members members;
    struct lines_call *place;
    if (members_read(&members, line, NULL) != LEAT_OK) {
        refuse(child, "what it wrote is no answer", bytes_of(why));
    } else if ((place = find_place(child, &members)) == NULL) {
        refuse(child, "it answered for a job it does not hold", line);
    } else {
        place->fault = arena_printf(&place->call->arena, "answer: %s", why);
        if (!job_answer_is_progress(&members))
            end_call(child, place, NULL);
    }
}

static void take_answer(struct lines_child *child, struct bytes line)
{
    struct job_answer answer;
    struct lines_call *place;
    struct err err;
    err.code = LEAT_OK; /* not the whole text: this runs for every job */
    if (job_answer_read(&answer, line, &child->arena, &err) != LEAT_OK)
        take_wrong(child, line, err.text);
    else if ((place = lines_calls_find(&child->calls, answer.job)) == NULL)
        refuse(child, "it answered for a job it does not hold", line);
    else if (answer.is_end)
        end_call(child, place, &answer);
    else
        call_progress(place->call, answer.progress);
    arena_reset(&child->arena);
}

/* Returns 1 if the line was one. */
static int take_hello(struct lines_child *child, struct bytes line)
{
    struct members members;
    const struct member *in_flight;
    int64_t size;
    if (members_read(&members, line, NULL) != LEAT_OK ||
        members_find(&members, "job") != NULL ||
        (in_flight = members_find(&members, "in_flight")) == NULL)
        return 0;
    if (member_int(in_flight, &size) != 0 || size < 1 || size > LIMIT_IN_FLIGHT) {
        refuse(child, "how many jobs it takes at once is 1 to 1000", line);
    } else if (child->state == LINES_CHILD_TAKES) {
        lines_calls_grow(&child->calls, child, (int)size);
        child->spec->on_change(child->spec->arg);
    }
    return 1;
}

static void on_answer(void *arg, enum line_kind kind, struct bytes line)
{
    struct lines_child *child = arg;
    int is_first = child->lines++ == 0;
    if (child->state == LINES_CHILD_DOOMED && !child->gives_back)
        return; /* it has broken the protocol */
    if (child->answers.lines.at_end)
        return; /* half a line: it says no more */
    if (kind == LINE_TOO_LONG)
        refuse(child,
               arena_printf(&child->arena, "it wrote a line of more than %d bytes",
                            LIMIT_ANSWER_BYTES),
               bytes_of(""));
    else if (!is_first || !take_hello(child, line))
        take_answer(child, line);
}

static void on_closed_output(void *arg)
{
    lose(arg, "it closed its standard output");
}

static void on_stderr(void *arg, enum line_kind kind, struct bytes line)
{
    struct lines_child *child = arg;
    child->has_said = 1;
    handler_log_line(child->spec->log, clock_mono_ms(), &child->writer, kind, line);
}

/* ---- what it is told --------------------------------------------------------------- */

/* What it has read by now is dropped when that is worth while. */
static void drop_sent(struct lines_child *child)
{
    struct buf *out = &child->out;
    if (child->sent == out->len) {
        if (out->size > OUT_KEPT_BYTES)
            buf_fini(out);
        buf_reset(out);
        child->sent = 0;
    } else if (child->sent > out->len / 2) {
        memmove(out->data, out->data + child->sent, out->len - child->sent);
        out->len -= child->sent;
        child->sent = 0;
    }
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct lines_child *child = watcher->data;
    ssize_t put =
        write(watcher->fd, child->out.data + child->sent, child->out.len - child->sent);
    if (put < 0 && errno != EAGAIN && errno != EINTR) {
        lose(child, "it closed its standard input");
        return;
    }
    child->sent += put > 0 ? (size_t)put : 0;
    child->put_bytes += put > 0 ? put : 0;
    drop_sent(child);
    if (child->out.len > 0)
        ev_io_start(loop, watcher);
    else
        ev_io_stop(loop, watcher);
}

/* Once in a turn of the loop, behind all else that happens in it. */
static void write_soon(struct lines_child *child)
{
    if (child->writable.fd >= 0 && !ev_is_active(&child->writable) &&
        !ev_is_pending(&child->writable))
        ev_feed_event(loop_of(child), &child->writable, EV_WRITE);
}

int lines_child_room(const struct lines_child *child)
{
    return child->state == LINES_CHILD_TAKES ? child->calls.size - child->calls.held : 0;
}

/* What it writes to stderr is known to be about a job only if there was no other. */
static void name_writer(struct lines_child *child, const struct call *call)
{
    struct handler_writer *writer = &child->writer;
    struct bytes id = call->attempt.envelope.id, iid = call->attempt.entry.iid;
    writer->id = writer->iid = bytes_of("");
    if (holds_calls(child))
        return;
    arena_reset(&child->writer_arena);
    writer->id = (struct bytes){arena_dup(&child->writer_arena, id), id.len};
    writer->iid = (struct bytes){arena_dup(&child->writer_arena, iid), iid.len};
}

static const char *handle_of(struct lines_child *child, const struct lines_call *place)
{
    buf_reset(&child->handle);
    buf_add_int(&child->handle, lines_calls_handle(&child->calls, place));
    return buf_text(&child->handle);
}

void lines_child_start(struct lines_child *child, struct call *call)
{
    name_writer(child, call);
    struct lines_call *place = lines_calls_add(&child->calls, call);
    call->work = place;
    child->started++;
    call_write(&child->out, call, handle_of(child, place));
    buf_addc(&child->out, '\n');
    write_soon(child);
}

void lines_child_stop(struct lines_call *place)
{
    struct lines_child *child = place->child;
    buf_addf(&child->out, "{\"cancel\":\"%s\"}\n", handle_of(child, place));
    write_soon(child);
}

void lines_child_kill(struct lines_call *place)
{
    struct lines_child *child = place->child;
    lines_calls_remove(&child->calls, place);
    if (child->state == LINES_CHILD_DOOMED)
        return;
    child->gives_back = 1;
    err_set(&child->fault, LEAT_EBUSY, "handler was killed for a job that did not stop");
    doom(child);
}

/* ---- life -------------------------------------------------------------------------- */

static int open_input(struct lines_child *child, int *their_end, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, LEAT_EBUSY, "no pipe can be made: %s", strerror(errno));
    fcntl(ends[1], F_SETFL, O_NONBLOCK); /* ours only: the child's may block */
    ev_io_set(&child->writable, ends[1], EV_WRITE);
    *their_end = ends[0];
    return LEAT_OK;
}

static int open_pipes(struct lines_child *child, int fds[CHILD_PROCESS_FDS],
                      struct err *err)
{
    const struct pipe_reader_spec answers = {LIMIT_ANSWER_BYTES, 0, on_answer, child,
                                             on_closed_output};
    const struct pipe_reader_spec log = {STDERR_LINE_BYTES, STDERR_LINE_BYTES, on_stderr,
                                         child, NULL};
    int code = open_input(child, &fds[STDIN_FILENO], err);
    if (code == LEAT_OK)
        code = pipe_reader_open(&child->answers, loop_of(child), &answers,
                                &fds[STDOUT_FILENO], err);
    if (code == LEAT_OK)
        code =
            pipe_reader_open(&child->err, loop_of(child), &log, &fds[STDERR_FILENO], err);
    return code;
}

static int start_process(struct lines_child *child, struct err *err)
{
    struct child_process_spec spec =
        program_child_spec(child->spec->program, child->spec->handler);
    int code = open_pipes(child, spec.fds, err);
    if (code == LEAT_OK)
        code = child_process_start(&child->process, loop_of(child), &spec, on_exited,
                                   child, err);
    child_process_close_fds(&spec);
    return code;
}

struct lines_child *lines_child_new(const struct lines_child_spec *spec)
{
    struct lines_child *child = xcalloc(1, sizeof *child);
    child->spec = spec;
    lines_calls_grow(&child->calls, child, 1);
    ev_timer_init(&child->late, on_late, 0, 0);
    ev_io_init(&child->writable, on_writable, -1, EV_WRITE);
    ev_set_priority(&child->writable, EV_MINPRI);
    child->late.data = child->writable.data = child;
    if (start_process(child, &child->fault) != LEAT_OK) {
        stop_writing(child);
        await_exit(child, 0, NULL);
    }
    child->writer.child = child->process.pid;
    return child;
}

void lines_child_await(struct lines_child *child, int64_t until_mono_ms)
{
    struct pollfd exited = {child->process.pidfd, POLLIN, 0};
    int64_t left_ms = until_mono_ms - clock_mono_ms();
    if (child->process.pid != 0 && left_ms > 0)
        poll(&exited, 1, (int)left_ms);
    pipe_reader_finish(&child->err);
}

void lines_child_free(struct lines_child *child)
{
    ev_timer_stop(loop_of(child), &child->late);
    stop_writing(child);
    child_process_fini(&child->process);
    pipe_reader_close(&child->answers);
    pipe_reader_close(&child->err);
    buf_fini(&child->out);
    buf_fini(&child->handle);
    arena_fini(&child->arena);
    arena_fini(&child->writer_arena);
    free(child);
}
