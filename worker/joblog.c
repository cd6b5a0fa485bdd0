/* SPDX-License-Identifier: MIT */
#include "worker/joblog.h"

enum { TELL_MS = 1, TELL_RETRY = 2 };

static const struct {
    enum log_level level;
    const char *msg;
    unsigned tells;
} events[] = {
#define X(event, level, msg, tells) [event] = {level, msg, tells},
    JOBLOG_EVENTS(X)
#undef X
};

static struct log_field number_if(unsigned wanted, const char *name, int64_t number)
{
    return log_number(wanted ? name : NULL, number);
}

static void tell_at(enum log_level level, enum joblog_event event,
                    const struct joblog *job)
{
    unsigned tells = events[event].tells;
    if (!log_shows(level))
        return;
    const struct log_field fields[] = {
        log_known("id", job->id),
        log_known("iid", job->iid),
        log_known("type", job->type),
        log_text("queue", job->queue),
        log_text("lease", job->lease),
        log_number("deliveries", job->deliveries),
        log_number("fails", job->fails),
        number_if(tells & TELL_MS, "ms", job->ms),
        number_if(tells & TELL_RETRY, "retry_in_ms", job->retry_in_ms),
        log_known("err", bytes_of(job->err != NULL ? job->err : "")),
        log_known("sure", bytes_of(job->unsure ? "no" : "")),
    };
    log_line(level, events[event].msg, fields, sizeof fields / sizeof *fields);
}

void joblog_tell(enum joblog_event event, const struct joblog *job)
{
    tell_at(events[event].level, event, job);
}

/* ---- later ------------------------------------------------------------------------- */

struct joblog_kept {
    struct joblog_kept *next;
    enum log_level level;
    enum joblog_event event;
    struct joblog job;
};

void joblog_keep(struct joblog_list *list, struct arena *arena, enum joblog_event event,
                 const struct joblog *job)
{
    enum log_level level = events[event].level;
    if (level > LOG_DEBUG && ++list->loud[level] > JOBLOG_LOUD_MAX) {
        list->left_out += level > LOG_INFO;
        level = LOG_DEBUG;
    }
    if (level == LOG_INFO && list->is_long)
        level = LOG_DEBUG;
    if (!log_shows(level))
        return;
    struct joblog_kept *kept = arena_alloc(arena, sizeof *kept);
    *kept = (struct joblog_kept){.level = level, .event = event, .job = *job};
    if (job->err != NULL)
        kept->job.err = arena_dup(arena, bytes_of(job->err));
    if (list->last != NULL)
        list->last->next = kept;
    else
        list->first = kept;
    list->last = kept;
}

void joblog_tell_kept(const struct joblog_list *list, int unsure)
{
    for (struct joblog_kept *kept = list->first; kept != NULL; kept = kept->next) {
        kept->job.unsure = unsure;
        tell_at(kept->level, kept->event, &kept->job);
    }
    if (list->left_out > 0 && list->first != NULL)
        log_warn("more of the same lease", log_text("queue", list->first->job.queue),
                 log_text("lease", list->first->job.lease),
                 log_number("jobs", list->left_out));
}
