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
RESERVED = re.compile(rb"RESERVED (\d+) \d+\r\n")
BODY = b"song:1"
PUT = b"put 0 0 60 %d\r\n%s\r\n" % (len(BODY), BODY)
# Without a time-out a reserve would block all that is queued behind it once no job is left.
RESERVE = b"reserve-with-timeout 0\r\n"


class Line:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["BEANSTALKD_SOCKET"])

    def ask(self, commands, answers, ends):
        """Write commands; return what was answered, `answers` times a word of `ends`."""
        self.socket.sendall(commands)
        text = b""
        while len(ends.findall(text)) < answers:
            text += self.socket.recv(1 << 20)
        return text


INSERTED = re.compile(rb"INSERTED \d+\r\n")
ANSWER = re.compile(rb"DELETED\r\n|TIMED_OUT\r\n|RESERVED \d+ \d+\r\n" + BODY + b"\r\n")


def push_many(line, count):
    for done in range(0, count, BATCH):
        some = min(BATCH, count - done)
        line.ask(PUT * some, some, INSERTED)


def work(line):
    held = []
    while True:
        deletes = b"".join(b"delete %s\r\n" % job for job in held)
        answers = line.ask(deletes + RESERVE * BATCH, len(held) + BATCH, ANSWER)
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
