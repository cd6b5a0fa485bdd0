/* SPDX-License-Identifier: MIT */
#include "dashboard/problem.h"

#include "base/text.h"

void problem_write(struct buf *out, unsigned status, const char *title,
                   const char *detail)
{
    buf_addf(out, "{\"type\":\"about:blank\",\"status\":%u,\"title\":", status);
    text_json_string(out, bytes_of(title));
    if (detail != NULL) {
        buf_adds(out, ",\"detail\":");
        text_json_string(out, bytes_of(detail));
    }
    buf_adds(out, "}\n");
}
