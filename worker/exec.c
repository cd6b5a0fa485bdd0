/* SPDX-License-Identifier: MIT */
/* The life of a job:
 *
 *   start -> begin -> on_exited                it ran
 *              -> on_again                     it could not be started: again, or fail
 *
 * One that was killed is not its call's any more, but keeps its place until its program
 * is reaped: no more programs run at once than the handler may have. */
#include "worker/exec.h"
#include "base/clock.h"
#include "base/text.h"
#include "schema/limits.h"
#include "worker/call.h"
#include "worker/child_process.h"
#include "worker/feed.h"
#include "worker/handler_log.h"
#include "worker/pipe_reader.h"
#include "worker/program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CONCURRENCY = 4,    /* unless the handler says otherwise */
    LATER_MS = 60000,   /* behind exit 75, unless the answer says otherwise */
    ROOM_WAIT_MS = 200, /* when the machine has no room for a process */
    ROOM_TRIES_MAX = 25,
    LINE_MAX_BYTES = 4096, /* of stdout and stderr */
    SAID_BYTES = 180,      /* of its last line, in an error */
    VARIABLES_MAX = 9,     /* of ours */
};

/* One for each handler. */
struct exec {
    struct handler *handler;
    struct program program;
    struct handler_log log;
    struct exec_job *jobs;
    int killed;  /* of `jobs`: not reaped yet */
    int waiting; /* of `jobs`: for room */
};

struct exec_job {
    struct exec_job *next, **link_here;
    struct exec *exec;
    struct call *call; /* NULL: it was killed */
    struct child_process child;
    struct pipe_reader out, err, answers;
    ev_timer again;
    int tries, waits;
    struct err fault; /* it cannot be started; or what is wrong with its answers */
    int has_answer, left_out;
    struct job_answer answer;
    struct arena answer_arena; /* owns what the answer names */
    struct arena arena;        /* owns what the writer names */
    struct handler_writer writer;
};

static const struct handler_keys *keys_of(const struct exec *exec)
{
    return &exec->handler->config->keys;
}

static struct ev_loop *loop_of(const struct exec_job *job)
{
    return job->exec->handler->worker->loop;
}

/* ---- what it writes ---------------------------------------------------------------- */

static void take_answer(struct exec_job *job, const struct job_answer *answer,
                        struct arena *arena)
{
    if (job->has_answer) {
        err_set(&job->fault, LEAT_EDATA, "answer: there is more than one");
        return;
    }
    job->has_answer = 1;
    job->answer = *answer;
    job->answer_arena = *arena;
    *arena = (struct arena){0};
}

/* Progress may come for ever: only the answer's memory is kept. */
static void on_answer(void *arg, enum line_kind kind, struct bytes line)
{
    struct exec_job *job = arg;
    struct arena arena = {0};
    struct job_answer answer;
    struct err err = {0};
    if (kind == LINE_TOO_LONG) {
        err_set(&job->fault, LEAT_EDATA, "answer: more than %d bytes",
                LIMIT_ANSWER_BYTES);
        return;
    }
    line.at = arena_dup(&arena, line);
    if (job_answer_read(&answer, line, &arena, &err) != LEAT_OK)
        err_set(&job->fault, LEAT_EDATA, "answer: %s", err.text);
    else if (answer.is_end)
        take_answer(job, &answer, &arena);
    else if (job->call != NULL)
        call_progress(job->call, answer.progress);
    arena_fini(&arena);
}

static void on_stderr(void *arg, enum line_kind kind, struct bytes line)
{
    struct exec_job *job = arg;
    int64_t now_mono_ms = clock_mono_ms();
    if (!handler_log_line(&job->exec->log, now_mono_ms, &job->writer, kind, line))
        job->left_out = 1;
}

/* ---- what has become of it --------------------------------------------------------- */

static enum answer_end fate_of(int wait_status)
{
    static const struct {
        int status;
        enum answer_end end;
    } fates[] = {
        {0, ANSWER_DONE}, {65, ANSWER_DEAD}, {75, ANSWER_LATER}, {100, ANSWER_DEAD}};
    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++)
        if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == fates[i].status)
            return fates[i].end;
    return ANSWER_FAILED;
}

/* The error of its answer; else its status and the last line of its stderr, or of its
 * stdout. */
static void write_reason(struct buf *out, const struct exec_job *job, int wait_status)
{
    char status[CHILD_PROCESS_STATUS_BYTES];
    struct bytes said = pipe_reader_last_line(&job->err);
    if (job->answer.error.len > 0) {
        text_printable(out, job->answer.error, LIMIT_ERROR_BYTES);
        return;
    }
    if (said.len == 0)
        said = pipe_reader_last_line(&job->out);
    child_process_status_text(wait_status, status);
    buf_addf(out, said.len > 0 ? "%s: " : "%s", status);
    text_printable(out, said, SAID_BYTES);
}

static void fail(struct exec_job *job, int wait_status, int dies)
{
    struct buf reason = {0};
    write_reason(&reason, job, wait_status);
    if (dies || (job->has_answer && job->answer.end == ANSWER_DEAD))
        call_die(job->call, buf_text(&reason));
    else
        call_fail(job->call, buf_text(&reason), job->answer.retry_in_ms);
    buf_fini(&reason);
}

static int says_later(const struct exec_job *job)
{
    return job->has_answer && job->answer.end == ANSWER_LATER;
}

static int is_well(int wait_status)
{
    enum answer_end fate = fate_of(wait_status);
    return fate == ANSWER_DONE || fate == ANSWER_LATER;
}

/* One whose time was over has, however well it left. */
static int has_failed(const struct exec_job *job, int wait_status)
{
    return !is_well(wait_status) || job->call->stopped == CALL_TIMED_OUT ||
           job->fault.code != LEAT_OK || job->answer.end == ANSWER_FAILED ||
           job->answer.end == ANSWER_DEAD;
}

/* The call is gone then. */
static void end_call(struct exec_job *job, int wait_status)
{
    enum answer_end fate = fate_of(wait_status);
    if (is_well(wait_status) && job->fault.code != LEAT_OK)
        call_fail(job->call, job->fault.text, 0);
    else if (fate == ANSWER_LATER)
        call_later(job->call, says_later(job) ? job->answer.again_in_ms : LATER_MS, NULL);
    else if (fate == ANSWER_DONE)
        call_answer(job->call, &job->answer);
    else
        fail(job, wait_status, fate == ANSWER_DEAD);
}

static void tell_tails(const struct exec_job *job)
{
    const struct handler_log *log = &job->exec->log;
    struct bytes out = pipe_reader_tail(&job->out), err = pipe_reader_tail(&job->err);
    handler_log_tail(log, &job->writer, "stdout", out);
    if (job->left_out)
        handler_log_tail(log, &job->writer, "stderr", err);
    if (job->call != NULL)
        call_tails(job->call, out, err);
}

/* ---- its end ----------------------------------------------------------------------- */

static void close_pipes(struct exec_job *job)
{
    pipe_reader_close(&job->out);
    pipe_reader_close(&job->err);
    pipe_reader_close(&job->answers);
}

static void set_waiting(struct exec_job *job, int waits)
{
    job->exec->waiting += waits - job->waits;
    job->waits = waits;
}

static void forget(struct exec_job *job)
{
    set_waiting(job, 0);
    *job->link_here = job->next;
    if (job->next != NULL)
        job->next->link_here = job->link_here;
    ev_timer_stop(loop_of(job), &job->again);
    child_process_fini(&job->child);
    close_pipes(job);
    arena_fini(&job->arena);
    arena_fini(&job->answer_arena);
    free(job);
}

static void on_exited(void *arg, int wait_status)
{
    struct exec_job *job = arg;
    struct exec *exec = job->exec;
    int was_killed = job->call == NULL;
    pipe_reader_finish(&job->answers);
    pipe_reader_finish(&job->err);
    pipe_reader_finish(&job->out);
    if (was_killed || has_failed(job, wait_status))
        tell_tails(job);
    if (!was_killed)
        end_call(job, wait_status);
    if (job->left_out)
        handler_log_left_out(&exec->log);
    forget(job);
    if (was_killed) {
        exec->killed--;
        handler_pump(exec->handler);
    }
}

/* ---- its beginning ----------------------------------------------------------------- */

static void add_variable(const char **environment, size_t *count, struct arena *arena,
                         const char *name, struct bytes value)
{
    if (value.len > 0)
        environment[(*count)++] =
            arena_printf(arena, "%s=%.*s", name, (int)value.len, value.at);
}

static void add_number(const char **environment, size_t *count, struct arena *arena,
                       const char *name, int64_t number)
{
    environment[(*count)++] = arena_printf(arena, "%s=%lld", name, (long long)number);
}

static const char **environment_of(const struct exec_job *job, struct arena *arena)
{
    const struct attempt *attempt = &job->call->attempt;
    const struct envelope *envelope = &attempt->envelope;
    const struct program *program = &job->exec->program;
    size_t count = program->environment_count;
    const char **all = arena_alloc(arena, (count + VARIABLES_MAX + 1) * sizeof *all);
    memcpy(all, program->environment, count * sizeof *all);
    add_variable(all, &count, arena, "LEAT_ID", attempt_id(attempt));
    add_variable(all, &count, arena, "LEAT_TYPE", envelope->type);
    add_variable(all, &count, arena, "LEAT_QUEUE", bytes_of(attempt->feed->queue.name));
    add_number(all, &count, arena, "LEAT_ATTEMPT", attempt->entry.fails + 1);
    add_number(all, &count, arena, "LEAT_DELIVERY", attempt->entry.deliveries + 1);
    add_number(all, &count, arena, "LEAT_DEADLINE", call_deadline_ms(job->call));
    add_number(all, &count, arena, "LEAT_TOKEN", call_token(job->call));
    add_variable(all, &count, arena, "TRACEPARENT", envelope->traceparent);
    add_variable(all, &count, arena, "TRACESTATE", envelope->tracestate);
    all[count] = NULL;
    return all;
}

/* A file in memory, so that nobody has to feed a pipe. */
static int open_args(const struct exec_job *job, int *fd, struct err *err)
{
    struct bytes args = job->call->attempt.envelope.args;
    *fd = memfd_create("args", MFD_CLOEXEC);
    if (*fd >= 0 && write(*fd, args.at, args.len) == (ssize_t)args.len &&
        lseek(*fd, 0, SEEK_SET) == 0)
        return LEAT_OK;
    return err_set(err, LEAT_EBUSY, "the args cannot be handed over: %s",
                   strerror(errno));
}

static int open_pipes(struct exec_job *job, int fds[CHILD_PROCESS_FDS], struct err *err)
{
    const struct {
        struct pipe_reader *reader;
        struct pipe_reader_spec spec;
    } pipes[] = {
        {&job->out, {LINE_MAX_BYTES, LIMIT_TAIL_BYTES, NULL, job}},
        {&job->err, {LINE_MAX_BYTES, LIMIT_TAIL_BYTES, on_stderr, job}},
        {&job->answers, {LIMIT_ANSWER_BYTES, 0, on_answer, job}},
    };
    int code = open_args(job, &fds[STDIN_FILENO], err);
    for (int i = 0; code == LEAT_OK && i < CHILD_PROCESS_FDS - 1; i++)
        code = pipe_reader_open(pipes[i].reader, loop_of(job), &pipes[i].spec,
                                &fds[i + 1], err);
    return code;
}

static int begin(struct exec_job *job, struct err *err)
{
    const struct exec *exec = job->exec;
    struct arena arena = {0};
    struct child_process_spec spec = program_child_spec(&exec->program, exec->handler);
    spec.environment = environment_of(job, &arena);
    int code = open_pipes(job, spec.fds, err);
    if (code == LEAT_OK)
        code = child_process_start(&job->child, loop_of(job), &spec, on_exited, job, err);
    child_process_close_fds(&spec);
    if (code != LEAT_OK)
        close_pipes(job);
    arena_fini(&arena);
    job->writer.child = job->child.pid;
    return code;
}

static void wait_ms(struct exec_job *job, int64_t ms)
{
    ev_timer_stop(loop_of(job), &job->again);
    ev_timer_set(&job->again, (double)ms / 1000, 0);
    ev_timer_start(loop_of(job), &job->again);
}

/* The call must not end before start() or stop() has returned: so the timer tells it. */
static void cannot(struct exec_job *job, const char *why)
{
    err_set(&job->fault, LEAT_EBUSY, "%s", why);
    wait_ms(job, 0);
}

static void try_to_begin(struct exec_job *job)
{
    struct err err = {0};
    int code = begin(job, &err);
    set_waiting(job, code == LEAT_EBUSY && ++job->tries < ROOM_TRIES_MAX);
    if (job->waits)
        wait_ms(job, ROOM_WAIT_MS);
    else if (code != LEAT_OK)
        cannot(job, err.text);
}

static void on_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct exec_job *job = watcher->data;
    if (job->fault.code == LEAT_OK) {
        try_to_begin(job);
        if (job->exec->waiting == 0)
            handler_pump(job->exec->handler);
        return;
    }
    call_fail(job->call, job->fault.text, 0);
    forget(job);
}

static struct exec_job *job_new(struct exec *exec, struct call *call)
{
    struct exec_job *job = xcalloc(1, sizeof *job);
    const struct attempt *attempt = &call->attempt;
    struct bytes id = attempt->envelope.id, iid = attempt->entry.iid;
    *job = (struct exec_job){.exec = exec, .call = call, .next = exec->jobs};
    job->writer.id = (struct bytes){arena_dup(&job->arena, id), id.len};
    job->writer.iid = (struct bytes){arena_dup(&job->arena, iid), iid.len};
    ev_timer_init(&job->again, on_again, 0, 0);
    job->again.data = job;
    job->link_here = &exec->jobs;
    if (job->next != NULL)
        job->next->link_here = &job->next;
    exec->jobs = job;
    return job;
}

/* ---- the kind ---------------------------------------------------------------------- */

static void *open_exec(struct handler *handler)
{
    struct exec *exec = xcalloc(1, sizeof *exec);
    exec->handler = handler;
    exec->log.type = handler->config->type;
    program_init(&exec->program, &handler->config->keys);
    return exec;
}

static void close_exec(void *state)
{
    struct exec *exec = state;
    for (struct exec_job *job = exec->jobs, *next; job != NULL; job = next) {
        next = job->next;
        forget(job);
    }
    handler_log_left_out(&exec->log);
    program_fini(&exec->program);
    free(exec);
}

/* While one waits for room, others must not take it. */
static int capacity(const struct handler *handler)
{
    const struct exec *exec = handler->state;
    int64_t concurrency = keys_of(exec)->concurrency;
    if (exec->waiting > 0)
        return handler->running;
    int places = concurrency > 0 ? (int)concurrency : CONCURRENCY;
    return places > exec->killed ? places - exec->killed : 0;
}

static void start(struct call *call)
{
    struct exec_job *job = job_new(call->handler->state, call);
    call->work = job;
    try_to_begin(job);
}

static void stop(struct call *call)
{
    struct exec_job *job = call->work;
    if (job->child.pid > 0)
        child_process_signal(&job->child, SIGTERM);
    else
        cannot(job, "stopped before it could begin");
}

static void kill_job(struct call *call)
{
    struct exec_job *job = call->work;
    if (call->stopped == CALL_TIMED_OUT)
        call_tails(call, pipe_reader_tail(&job->out), pipe_reader_tail(&job->err));
    job->call = NULL;
    if (job->child.pid == 0) {
        forget(job);
        return;
    }
    job->exec->killed++;
    child_process_signal(&job->child, SIGKILL);
}

const struct handler_kind exec_kind = {
    .name = "exec",
    .check = program_check,
    .open = open_exec,
    .close = close_exec,
    .capacity = capacity,
    .start = start,
    .stop = stop,
    .kill = kill_job,
};
