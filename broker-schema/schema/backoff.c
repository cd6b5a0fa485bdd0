/* SPDX-License-Identifier: MIT */
#include "schema/backoff.h"

const struct backoff backoff_default = {
    .kind = BACKOFF_EXPONENTIAL,
    .retries_max = 25,
    .base_ms = 2000,
    .factor = 2,
    .cap_ms = 86400000,
};

static double exponential_ms(const struct backoff *policy, int64_t fails)
{
    double delay = (double)policy->base_ms;
    if (fails > LIMIT_RETRIES) /* a header may claim any number, and each costs a step */
        fails = LIMIT_RETRIES;
    for (int64_t i = 1; i < fails && delay < (double)policy->cap_ms; i++) {
        if (policy->factor <= 1)
            break;
        delay *= policy->factor;
    }
    return delay;
}

static double nominal_ms(const struct backoff *policy, int64_t fails)
{
    switch (policy->kind) {
    case BACKOFF_FIXED: return (double)policy->base_ms;
    case BACKOFF_LIST:
        return (double)policy
            ->list_ms[fails <= policy->list_count ? fails - 1 : policy->list_count - 1];
    case BACKOFF_EXPONENTIAL: break;
    }
    return exponential_ms(policy, fails);
}

int64_t backoff_delay_ms(const struct backoff *policy, int64_t fails, uint64_t random)
{
    double nominal = nominal_ms(policy, fails < 1 ? 1 : fails);
    if (nominal > (double)policy->cap_ms)
        nominal = (double)policy->cap_ms;
    int64_t half = (int64_t)nominal / 2;
    int64_t delay =
        half + (int64_t)(random % (uint64_t)(half + 1)) + (int64_t)nominal % 2;
    return delay < 1 ? 1 : delay;
}
