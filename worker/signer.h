/* SPDX-License-Identifier: MIT */
/* Signs what the worker sends, so that a receiver can tell it from what anybody else
 * sends.
 *
 *     Leat-Signature: t=<Unix seconds>,v1=<64 hexadecimal digits>
 *
 * v1 is HMAC-SHA256, with the shared secret, of the digits of t, a dot, and the body as
 * it was sent. A receiver computes it from the bytes that came, before it parses them,
 * compares in constant time, and refuses a t that is more than some minutes off: so what
 * was overheard cannot be sent again for long. */
#ifndef LEAT_WORKER_SIGNER_H
#define LEAT_WORKER_SIGNER_H

#include "base/buf.h"

#include <stdint.h>

/* Make a signer. The secret is not needed any more when this returns. Owns: the caller,
 * signer_free(). */
struct signer *signer_new(struct bytes secret);

/* Free it, and with it what it knows of the secret. NULL is fine. */
void signer_free(struct signer *signer);

/* Append the header's line, without a line break, for a body that is sent at `unix_s`. */
void signer_add_header(struct signer *signer, int64_t unix_s, struct bytes body,
                       struct buf *out);

#endif
