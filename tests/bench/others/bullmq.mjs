// SPDX-License-Identifier: MIT
// BullMQ: `node bullmq.mjs push` pushes $JOBS jobs; `node bullmq.mjs work` works on them.
import { Queue, Worker } from 'bullmq';
import { countJob, timePushes } from './clock.mjs';

const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };
const job = { name: 'noop', data: { name: 'song:1' } };

if (process.argv[2] === 'work') {
  new Worker('default', async () => countJob(), {
    connection,
    concurrency: 100, // 20 is slower, up to 300 no faster
    removeOnComplete: { count: 0 }, // else finished jobs stay in Redis, for ever
  });
} else {
  const queue = new Queue('default', { connection });
  await timePushes(
    () => queue.add(job.name, job.data),
    (count) => queue.addBulk(Array(count).fill(job)),
  );
  await queue.close();
}
