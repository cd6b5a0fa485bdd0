/* SPDX-License-Identifier: MIT */
/* POST /api/v1/jobs/ID:cancel: a job is kept from starting, or stopped. */
#ifndef LEAT_DASHBOARD_CANCEL_API_H
#define LEAT_DASHBOARD_CANCEL_API_H

#include "dashboard/dashboard.h"
#include "dashboard/http.h"

/* Cancel the job of that id in the queue that `?queue=` names, and answer what that
 * did. */
void cancel_api_post(struct dashboard *dashboard, struct http_request *request,
                     struct bytes id);

#endif
