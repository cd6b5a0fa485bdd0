/* SPDX-License-Identifier: MIT */
#include "broker/due.h"
#include "base/clock.h"
#include "base/text.h"

static int too_far(const char *text, struct err *err)
{
    return err_set(err, LEAT_EUSAGE, "'%.60s' is more than ten years ahead", text);
}

int due_in(struct pusher_due *due, const char *text, struct err *err)
{
    int64_t ms;
    if (text_to_duration_ms(text, &ms) != 0 || ms < 1)
        return err_set(err, LEAT_EUSAGE,
                       "'%.60s' is no duration: 250ms, 10s, 5m, 2h or 1d", text);
    if (ms > LIMIT_DELAY_MS)
        return too_far(text, err);
    *due = (struct pusher_due){PUSH_IN, ms};
    return LEAT_OK;
}

int due_at(struct pusher_due *due, const char *text, struct err *err)
{
    int64_t ms;
    if (text_to_time_ms(text, &ms) != 0)
        return err_set(err, LEAT_EUSAGE,
                       "'%.60s' is no time: 2026-11-21T10:00:00Z or @1795255200", text);
    if (ms > clock_wall_ms() + LIMIT_DELAY_MS)
        return too_far(text, err);
    *due = (struct pusher_due){PUSH_AT, ms};
    return LEAT_OK;
}
