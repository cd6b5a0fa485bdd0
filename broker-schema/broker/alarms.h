/* SPDX-License-Identifier: MIT */
/* What is wrong: one row a rule, each a look at an overview. */
#ifndef LEAT_BROKER_ALARMS_H
#define LEAT_BROKER_ALARMS_H

#include "broker/overview.h"

/* Fill in the overview's alarms, at most OVERVIEW_ALARMS_MAX; its queues and workers are
 * complete. */
void alarms_find(struct overview *overview);

#endif
