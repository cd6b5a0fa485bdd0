// SPDX-License-Identifier: MIT
// Push a job by HTTP (Node 18 or later): node post.js TYPE ARGS-AS-JSON [QUEUE]
const { randomUUID } = require("crypto");
const { LEAT_DASHBOARD = "http://127.0.0.1:8740", LEAT_TOKEN } = process.env;
const headers = { "Content-Type": "application/json" };
if (LEAT_TOKEN) headers.Authorization = `Bearer ${LEAT_TOKEN}`;
(async () => {
  const [type, args, queue = "default"] = process.argv.slice(2);
  const body = JSON.stringify({ type, id: randomUUID(), args: JSON.parse(args) });
  const answer = await fetch(`${LEAT_DASHBOARD}/api/v1/jobs?queue=${queue}`, {
    method: "POST", headers, body, signal: AbortSignal.timeout(5000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  console.log(JSON.parse(text).id);
})().catch((error) => {
  console.error("post.js:", error.message, error.cause?.message ?? "");
  process.exitCode = 1;
});
