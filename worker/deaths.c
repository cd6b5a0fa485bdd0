/* SPDX-License-Identifier: MIT */
#include "worker/deaths.h"

#include <string.h>

static int is_recent(int64_t mono_ms, int64_t now_mono_ms)
{
    return now_mono_ms - mono_ms < DEATHS_WINDOW_MS;
}

int deaths_note(struct deaths *deaths, int64_t lived_ms, int64_t now_mono_ms)
{
    int64_t *young = deaths->young_mono_ms;
    if (lived_ms < DEATHS_WINDOW_MS) {
        memmove(young + 1, young, (DEATHS_MAX - 1) * sizeof *young);
        young[0] = now_mono_ms;
        deaths->young_count += deaths->young_count < DEATHS_MAX;
    } else {
        deaths->grown_mono_ms = now_mono_ms;
    }
    int count =
        deaths->grown_mono_ms > 0 && is_recent(deaths->grown_mono_ms, now_mono_ms);
    for (int i = 0; i < deaths->young_count; i++)
        count += is_recent(young[i], now_mono_ms);
    return count >= DEATHS_MAX;
}

int64_t deaths_wait_ms(int *quick, int64_t lived_ms)
{
    int64_t wait_ms = DEATHS_WAIT_MS;
    *quick = lived_ms < DEATHS_WINDOW_MS ? *quick + 1 : 1;
    if (*quick == 1)
        return 0;
    for (int i = 2; i < *quick && wait_ms < DEATHS_WAIT_MAX_MS; i++)
        wait_ms *= 2;
    return wait_ms < DEATHS_WAIT_MAX_MS ? wait_ms : DEATHS_WAIT_MAX_MS;
}
