/* SPDX-License-Identifier: MIT */
/* What pushing one job and pushing many over HTTP have in common. */
#ifndef LEAT_DASHBOARD_PUSH_API_H
#define LEAT_DASHBOARD_PUSH_API_H

#include "dashboard/dashboard.h"
#include "dashboard/http.h"
#include "dashboard/intake.h"

/* Read `?queue=`, `?in=` and `?at=`, and let `user` in to push. Returns 0, or -1 after
 * answering why not. */
int push_api_enter(struct dashboard *dashboard, struct http_request *request,
                   struct intake_user *user, struct pusher_due *due);

/* Answer with what kept a push from being done; `members` are more fields of the JSON
 * object, or empty. What passes is a 503, or a 429 when Redis refused, with
 * Retry-After. */
void push_api_fail(struct http_request *request, const struct err *err,
                   struct bytes members);

/* Answer with a problem and more fields of the JSON object. */
void push_api_problem(struct http_request *request, unsigned status, const char *title,
                      const char *detail, struct bytes members);

#endif
