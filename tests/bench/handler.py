# SPDX-License-Identifier: MIT
"""A handler that does nothing: it reads calls, parses them, and answers that they are done."""
import json
import sys

if len(sys.argv) > 1:
    print(json.dumps({"in_flight": int(sys.argv[1])}), flush=True)
for line in sys.stdin:
    call = json.loads(line)
    if "job" in call:
        print(json.dumps({"job": call["job"]}), flush=True)
