/* SPDX-License-Identifier: MIT */
/* One run: a queue of its own, a scene, a wire that fails at one place, and the
 * verdict. */
#ifndef LEAT_TESTS_LOOP_RUN_H
#define LEAT_TESTS_LOOP_RUN_H

#include "scene.h"

enum run_verdict {
    RUN_CUT,   /* the wire failed, and all came out right */
    RUN_WHOLE, /* the scene was over before */
    RUN_WRONG, /* stderr says what */
};

/* `number` names the run's queues: as many digits in each, so that places stay where they
 * are. `fault->times` is how many connections fail so. */
enum run_verdict run_one(struct stage *stage, const struct scene *scene,
                         const struct wire_fault *fault, int64_t number);

#endif
