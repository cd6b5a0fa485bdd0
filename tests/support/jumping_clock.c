/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: a machine whose wall clock is a day ahead in one second and a day
 * behind in the next. The monotonic clock is as it was. */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static int is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    struct timespec mono;
    long result = syscall(SYS_clock_gettime, clock, out);
    if (result != 0 || !is_wall(clock))
        return (int)result;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &mono);
    out->tv_sec += mono.tv_sec % 2 == 0 ? DAY_S : -DAY_S;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
