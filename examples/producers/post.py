# SPDX-License-Identifier: MIT
# Push a job by HTTP: python3 post.py TYPE ARGS-AS-JSON [QUEUE]
import json, os, sys, urllib.error, urllib.request, uuid

try:
    job_type, args, queue = (sys.argv[1:] + ["default"])[:3]
    url = os.environ.get("LEAT_DASHBOARD", "http://127.0.0.1:8740") + "/api/v1/jobs?queue=" + queue
    job = {"type": job_type, "id": str(uuid.uuid4()), "args": json.loads(args)}
    headers = {"Content-Type": "application/json"}
    if "LEAT_TOKEN" in os.environ:
        headers["Authorization"] = "Bearer " + os.environ["LEAT_TOKEN"]
    request = urllib.request.Request(url, json.dumps(job).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        print(json.load(answer)["id"])
except urllib.error.HTTPError as error:
    sys.exit(f"post.py: {error.code} {error.read().decode()}")
except (OSError, ValueError) as error:
    sys.exit(f"post.py: {error}")
