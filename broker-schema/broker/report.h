/* SPDX-License-Identifier: MIT */
/* An overview as text for people, as JSON and as Prometheus metrics. What is shown of a
 * queue and of a worker, under which name, is one table each in report.c, and the metrics
 * are one in report_metrics.c. Pure functions. */
#ifndef LEAT_BROKER_REPORT_H
#define LEAT_BROKER_REPORT_H

#include "base/table.h"
#include "broker/overview.h"

/* Append the text of `leat status` and of /status: alarms, queues, workers. */
void report_text(struct buf *out, const struct overview *overview);

/* Append the document of `leat status --json` and of /api/v1/overview. */
void report_json(struct buf *out, const struct overview *overview, const char *version);

/* Append the document of /api/v1/queues: of the above, the queues alone. */
void report_queues_json(struct buf *out, const struct overview *overview);

/* Append one queue, all its numbers; as JSON the object that stands in that document. */
void report_queue(struct buf *out, const struct overview_queue *queue,
                  enum table_mode mode);

/* Append all queues, or all workers, as a list; as JSON each is the object that stands in
 * that document. */
void report_queues(struct buf *out, const struct overview *overview,
                   enum table_mode mode);
void report_workers(struct buf *out, const struct overview *overview,
                    enum table_mode mode);

/* Append the metrics in Prometheus' text format, version 0.0.4. `overview` is NULL when
 * Redis could not be asked: then only what is known without it. */
void report_metrics(struct buf *out, const struct overview *overview,
                    const char *version);

#endif
