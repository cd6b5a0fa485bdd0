// SPDX-License-Identifier: MIT
// bee-queue: `node bee_queue.mjs push` pushes $JOBS jobs; `node bee_queue.mjs work` works on them.
import Queue from 'bee-queue';
import { countJob, timePushes } from './clock.mjs';

const working = process.argv[2] === 'work';
const queue = new Queue('default', {
  redis: { path: process.env.REDIS_SOCKET },
  isWorker: working,
  getEvents: false, // no producer waits for an end
  sendEvents: false,
  storeJobs: false,
  removeOnSuccess: true, // else finished jobs stay in Redis, for ever
});
const job = () => queue.createJob({ name: 'song:1' });

if (working) {
  queue.process(300, async () => countJob()); // of 100, 300 and 600 the fastest
} else {
  await timePushes(
    () => job().save(),
    (count) => queue.saveAll(Array.from({ length: count }, job)),
  );
  await queue.close();
}
