# SPDX-License-Identifier: MIT
"""RQ: `python3 rq_jobs.py` pushes $JOBS jobs; `rq worker -c rq_jobs` works on them."""
import os

from redis import Redis
from rq import Queue

import clock

# `rq worker -c rq_jobs` takes its settings from here.
REDIS_URL = "unix://" + os.environ["REDIS_SOCKET"]

BULK = 1000  # a call of enqueue_many

# Finished jobs are deleted at once; without this each is written and given a time to live.
OPTIONS = {"result_ttl": 0}


def noop(_name):
    clock.count_job()


def push_many(queue, count):
    data = Queue.prepare_data("rq_jobs.noop", ("song:1",), **OPTIONS)
    for done in range(0, count, BULK):
        queue.enqueue_many([data] * min(BULK, count - done))


if __name__ == "__main__":
    default = Queue(connection=Redis.from_url(REDIS_URL))
    clock.time_pushes(
        lambda: default.enqueue("rq_jobs.noop", "song:1", **OPTIONS),
        lambda count: push_many(default, count),
    )
