/* SPDX-License-Identifier: MIT */
/* How long a program waits for one push: leat_push() of the library, again and again over
 * one connection, each acknowledged by Redis. Prints the median in microseconds. */
#include "measure.h"
#include "base/mem.h"
#include "leat.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 5000 };

int main(int argc, char **argv)
{
    const struct leat_job job = {
        .size = sizeof job, .type = "increment", .args = "{\"counter\":\"song:1\"}"};
    struct leat *leat;
    size_t count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (count == 0)
        measure_die("usage: leat-bench-push COUNT; to the Redis of LEAT_REDIS");
    double *took_us = xcalloc(count, sizeof *took_us);
    if (leat_open(&leat, NULL, NULL) != 0)
        measure_die(leat_error_text(leat));
    for (size_t i = 0; i < count; i++) {
        double began_s = measure_now_s();
        if (leat_push(leat, &job, NULL, TIMEOUT_MS) != 0)
            measure_die(leat_error_text(leat));
        took_us[i] = (measure_now_s() - began_s) * 1e6;
    }
    printf("%.0f\n", measure_quantile(took_us, count, 0.5));
    leat_close(leat);
    free(took_us);
    return 0;
}
