#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A lines handler, eight calls at a time: counts the words of {"text": "..."}.
// `leat worker --lines words=./lines.js`
const answer = (it) => process.stdout.write(JSON.stringify(it) + '\n');

async function words({ text }) {
  const count = text.split(/\s+/).filter(Boolean).length;
  return { incr: { words: count }, result: count };
}

answer({ in_flight: 8 });
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { job, args, cancel } = JSON.parse(line);
  if (cancel) return; // too quick to be stopped
  const outcome = await words(args).catch((error) => ({ error: String(error) }));
  answer({ job, ...outcome });
});
