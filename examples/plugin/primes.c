/* SPDX-License-Identifier: MIT */
/* Counts the primes up to a number: work that takes from no time at all to hours, tells
 * how far it is, and can be cancelled.
 *
 *     cc -shared -fPIC -O2 primes.c -o primes.so
 *
 *     handler primes { kind = plugin  file = "/usr/local/lib/primes.so" }
 *
 *     leat push primes --args 1000000
 *
 * The count goes to the counter of that name, primes:1000000, in the same step that ends
 * the job; the result says it too. */
#include <leat-plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASK_EACH = 1024 }; /* numbers between two questions whether to go on */

static int is_prime(long long number)
{
    if (number % 2 == 0)
        return number == 2;
    for (long long by = 3; by * by <= number; by += 2)
        if (number % by == 0)
            return 0;
    return number > 1;
}

static void tell(struct leat_plugin_job *job, long long number, long long last)
{
    char json[32];
    snprintf(json, sizeof json, "{\"percent\":%d}", (int)(100.0 * number / last));
    job->progress(job, json);
}

/* Returns -1 when it is to stop. */
static long long count(struct leat_plugin_job *job, long long last)
{
    long long found = 0, told = 0;
    for (long long number = 1; number <= last; number++) {
        found += is_prime(number);
        if (number % ASK_EACH == 0 && job->is_cancelled(job))
            return -1;
        if (number - told >= last / 10 && number % ASK_EACH == 0) {
            tell(job, number, last);
            told = number;
        }
    }
    return found;
}

static void run(struct leat_plugin_job *job)
{
    char *end, text[64];
    errno = 0;
    long long last = strtoll(job->args, &end, 10);
    if (*end != '\0' || errno != 0 || last < 1) {
        job->die(job, "args is how far to count: a whole number from 1");
        return;
    }
    long long found = count(job, last);
    if (found < 0) {
        job->fail(job, "stopped", 0);
        return;
    }
    snprintf(text, sizeof text, "primes:%lld", last);
    job->incr(job, text, found);
    snprintf(text, sizeof text, "%lld", found);
    job->result(job, text);
}

const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .run = run};
