/* SPDX-License-Identifier: MIT */
/* The kind `http`: a call is a POST to the operator's URL, over connections that stay.
 * The status is the outcome, and a JSON body of a 2xx may have effects:
 *
 *     2xx          done; a body of the type application/json is the answer
 *     410, 422     dead at once
 *     any other    failed; not run again before what Retry-After asks for
 *
 * A body of another status only tells why. Whom the operator names is not the netguard's
 * business. To stop a call is to close its connection. */
#ifndef LEAT_WORKER_HTTP_H
#define LEAT_WORKER_HTTP_H

struct handler_kind;

extern const struct handler_kind http_kind;

#endif
