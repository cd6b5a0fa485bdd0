#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A lines handler: counts the words of {"text": "..."}. `leat worker --lines words=./lines.py`
import json, sys


def words(args):
    count = len(args["text"].split())
    return {"incr": {"words": count}, "result": count}


for line in sys.stdin:
    call = json.loads(line)
    if "cancel" in call:  # one call at a time: it was answered by now
        continue
    try:
        answer = words(call["args"])
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps({"job": call["job"], **answer}), flush=True)
