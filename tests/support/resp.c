/* SPDX-License-Identifier: MIT */
#include "resp.h"

/* A value is complete. Returns 1 when it was the message's last. */
static int ends_value(struct resp *resp)
{
    resp->type = 0;
    return --resp->due == 0;
}

static int end_line(struct resp *resp)
{
    int64_t count = resp->negative ? 0 : resp->number;
    if (resp->type == '$' && !resp->negative) {
        resp->bulk = count + 2;
        return 0;
    }
    if (resp->type == '*')
        resp->due += count; /* the array itself ends below */
    return ends_value(resp);
}

int resp_see(struct resp *resp, char byte)
{
    if (resp->bulk > 0)
        return --resp->bulk == 0 && ends_value(resp);
    if (resp->type == 0) {
        int64_t due = resp->due > 0 ? resp->due : 1;
        *resp = (struct resp){.type = byte, .due = due};
        return 0;
    }
    if (byte == '\n')
        return end_line(resp);
    if (byte == '-')
        resp->negative = 1;
    else if (byte >= '0' && byte <= '9' && resp->number < 1 << 30)
        resp->number = resp->number * 10 + byte - '0';
    return 0;
}
