# SPDX-License-Identifier: MIT
"""Celery: `python3 celery_tasks.py` pushes $JOBS jobs; `celery -A celery_tasks worker` works."""
import os

from celery import Celery

import clock

app = Celery("celery_tasks", broker="redis+socket://" + os.environ["REDIS_SOCKET"])
app.conf.update(
    task_ignore_result=True,  # there is no result backend either
    worker_prefetch_multiplier=128,  # faster than the default of 4
    worker_disable_rate_limits=True,
    task_default_queue="default",
)


@app.task(name="noop")
def noop(_name):
    clock.count_job()


def push_many(count):
    """Celery has no bulk call: one connection and one producer are kept for all."""
    with app.producer_or_acquire() as producer:
        for _ in range(count):
            noop.apply_async(("song:1",), producer=producer)


if __name__ == "__main__":
    clock.time_pushes(lambda: noop.delay("song:1"), push_many)
