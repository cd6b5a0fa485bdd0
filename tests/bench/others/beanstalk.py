# SPDX-License-Identifier: MIT
"""beanstalkd: `python3 beanstalk.py push` pushes $JOBS jobs, `… work` takes and deletes them.

The plain protocol on a plain socket. A library asks for one job, runs it, deletes it; here
BATCH reserves go out in one write together with the deletes of the batch before, which is
several times as fast, and a crash would still lose nothing.
"""
import os
import re
import socket
import sys

import clock

BATCH = 128
BODY = b"song:1"
PUT = b"put 0 0 60 %d\r\n%s\r\n" % (len(BODY), BODY)
# Without a time-out a reserve would block all that is queued behind it once no job is left.
RESERVE = b"reserve-with-timeout 0\r\n"
RESERVED = re.compile(rb"RESERVED (\d+) \d+\r\n")
# Answers come in order: the one to this question says that all before it are there.
LAST, ANSWER_TO_LAST = b"list-tube-used\r\n", b"USING default\r\n"


class Line:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["BEANSTALKD_SOCKET"])

    def ask(self, commands):
        """Write commands in one go; return all that was answered."""
        self.socket.sendall(commands + LAST)
        answers = b""
        while not answers.endswith(ANSWER_TO_LAST):
            answers += self.socket.recv(1 << 16)
        return answers


def push_many(line, count):
    for done in range(0, count, BATCH):
        some = min(BATCH, count - done)
        assert line.ask(PUT * some).count(b"INSERTED") == some


def work(line):
    held = []
    while True:
        deletes = b"".join(b"delete %s\r\n" % job for job in held)
        answers = line.ask(deletes + RESERVE * BATCH)
        assert answers.count(b"DELETED") == len(held)
        held = RESERVED.findall(answers)
        if not held:
            return
        for _ in held:
            clock.count_job()


if __name__ == "__main__":
    beanstalkd = Line()
    if sys.argv[1] == "work":
        work(beanstalkd)
    else:
        clock.time_pushes(
            lambda: push_many(beanstalkd, 1), lambda count: push_many(beanstalkd, count)
        )
