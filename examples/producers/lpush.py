# SPDX-License-Identifier: MIT
# Push a job by LPUSH: python3 lpush.py TYPE ARGS-AS-JSON [QUEUE]
import json, os, socket, sys, urllib.parse

def redis(*words):
    url = urllib.parse.urlsplit(os.environ.get("LEAT_REDIS", "redis://127.0.0.1:6379"))
    words = [word.encode() for word in words]
    text = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    with socket.create_connection((url.hostname, url.port or 6379), timeout=5) as server:
        server.sendall(b"*%d\r\n" % len(words) + text)
        return server.makefile("rb").readline().decode().strip() or "connection lost"

try:
    job_type, args, queue = (sys.argv[1:] + ["default"])[:3]
    job = json.dumps({"type": job_type, "args": json.loads(args)})
    reply = redis("LPUSH", "leat:" + queue, job)
    print(int(reply.removeprefix(":")))  # the queue's length; what is no number is an error
except (OSError, ValueError) as error:
    sys.exit(f"lpush.py: {error}")
