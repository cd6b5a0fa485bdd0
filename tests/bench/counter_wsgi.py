# SPDX-License-Identifier: MIT
"""The counter that every web framework's tutorial has: in memory, forgotten at the end.

GET /NAME answers the count, POST /NAME adds one. What the counter service is measured beside.
"""
import os

counts = {"hits": int(os.environ.get("HITS", "0"))}


def application(environ, start_response):
    name = environ["PATH_INFO"][1:]
    if environ["REQUEST_METHOD"] == "POST":
        counts[name] = counts.get(name, 0) + 1
    body = str(counts.get(name, 0)).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
