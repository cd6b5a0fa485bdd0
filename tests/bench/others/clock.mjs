// SPDX-License-Identifier: MIT
// What the Node systems share: counting the jobs that ran, and timing pushes.
const JOBS = Number(process.env.JOBS);
const SINGLE = 500; // so many are pushed one by one, and timed
const BULK = 1000; // a bulk call

let ran = 0;
let beganMs = 0;

// Counts one more; the last says how long all took.
export function countJob() {
  if (ran === 0) beganMs = performance.now();
  ran += 1;
  if (ran === JOBS) console.log(`ran ${ran} jobs in ${(performance.now() - beganMs) / 1000} s`);
}

// Pushes all jobs, the first ones each by a call of its own, and prints both figures.
export async function timePushes(pushOne, pushMany) {
  const tookMs = [];
  for (let i = 0; i < SINGLE; i++) {
    const began = performance.now();
    await pushOne();
    tookMs.push(performance.now() - began);
  }
  const began = performance.now();
  for (let left = JOBS - SINGLE; left > 0; left -= BULK) await pushMany(Math.min(left, BULK));
  const rate = (JOBS - SINGLE) / ((performance.now() - began) / 1000);
  console.log(`one ${tookMs.sort((a, b) => a - b)[SINGLE / 2] * 1000} us, bulk ${rate} /s`);
}
