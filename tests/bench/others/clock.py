# SPDX-License-Identifier: MIT
"""What the Python systems share: counting the jobs that ran, and timing pushes."""
import os
import sys
import time

JOBS = int(os.environ["JOBS"])
SINGLE = 500  # so many are pushed one by one, and timed

_ran = 0
_began_s = 0.0


def count_job():
    """Count one more; the last says how long all took."""
    global _ran, _began_s
    if _ran == 0:
        _began_s = time.monotonic()
    _ran += 1
    if _ran == JOBS:
        took_s = time.monotonic() - _began_s
        print(f"ran {_ran} jobs in {took_s} s", file=sys.__stderr__, flush=True)


def time_pushes(push_one, push_many):
    """Push all jobs, the first ones each by a call of its own, and print both figures."""
    took_s = []
    for _ in range(SINGLE):
        began_s = time.monotonic()
        push_one()
        took_s.append(time.monotonic() - began_s)
    began_s = time.monotonic()
    push_many(JOBS - SINGLE)
    rate = (JOBS - SINGLE) / (time.monotonic() - began_s)
    print(f"one {sorted(took_s)[SINGLE // 2] * 1e6} us, bulk {rate} /s")
