/* SPDX-License-Identifier: MIT */
/* `then` of the envelope: the job that follows when this one is done, with the result of
 * this one in its args. A string in args that is `$result` stands for the whole result,
 * `$result.a.b` for that member of it; either is null when there is none. A string that
 * begins with `$$result`, or with more `$`, loses its first `$` and stands for itself.
 * The `then` of a `then` waits for its own turn. */
#ifndef LEAT_SCHEMA_THEN_H
#define LEAT_SCHEMA_THEN_H

#include "schema/follow_up.h"

/* Check a `then` that stands in a payload, and all that follow it, as far as is possible
 * before the result is known. `then` is an object that members_read() accepted as part of
 * a larger one. Errors: LEAT_EDATA, beginning with 'then'. */
int then_check(struct bytes then, struct arena *arena, struct err *err);

/* Make the follow-up: put `result`, a JSON value as its job's answer has it, or empty, in
 * the place of what stands for it. The bytes of both are kept.
 * Owns: the arena; the queue may borrow from `then`.
 * Errors: LEAT_EDATA when the result makes the payload too large or too deep. */
int then_make(struct follow_up *out, struct bytes then, struct bytes result,
              struct arena *arena, struct err *err);

#endif
