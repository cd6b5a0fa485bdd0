// SPDX-License-Identifier: MIT
// Push a job by LPUSH: node lpush.js TYPE ARGS-AS-JSON [QUEUE]
const net = require("net");
const redis = (...words) => new Promise((resolve, reject) => {
  const url = new URL(process.env.LEAT_REDIS || "redis://127.0.0.1:6379");
  const texts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  const server = net.connect(url.port || 6379, url.hostname);
  server.write(`*${words.length}\r\n${texts.join("")}`);
  server.setTimeout(5000, () => server.destroy(new Error("no answer in 5 s")));
  server.once("data", (reply) => server.end() && resolve(reply.toString().trim()));
  server.once("error", reject).once("close", () => reject(new Error("connection lost")));
});

(async () => {
  const [type, args, queue = "default"] = process.argv.slice(2);
  const job = JSON.stringify({ type, args: JSON.parse(args) });
  const reply = await redis("LPUSH", "leat:" + queue, job);
  if (reply[0] !== ":") throw new Error(reply);
  console.log(reply.slice(1)); // the queue's length
})().catch((error) => { console.error("lpush.js:", error.message); process.exitCode = 1; });
