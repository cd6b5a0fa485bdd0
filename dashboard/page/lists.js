// SPDX-License-Identifier: MIT
// What each list of the page shows: its columns, and the sentence beside its heading. A look is
// {atMs, …}: times are told by the clock of whoever answered, never by the browser's.
import {
  ago,
  count,
  percent,
  rate,
  size,
  span,
  visible,
  visibleLines,
  when,
} from "./format.js";
import { spark } from "./spark.js";
import { element, say, Table } from "./table.js";

const section = (id) => document.getElementById(id);

/** Write the sentence beside a section's heading. */
export function note(id, text) {
  say(section(id).querySelector(".note"), text);
}

/** The child of this class, made when it is missing. */
function part(cell, name, className) {
  return (
    cell.querySelector(`.${className}`) ?? cell.appendChild(element(name, className))
  );
}

/** A second, quieter line below a cell's first. */
function twoLines(cell, first, second) {
  say(part(cell, "span", "first"), first);
  say(part(cell, "span", "second"), second);
}

const number = (title, text) => ({ title, name: "number", text });

/* ---- queues ------------------------------------------------------------------------- */

/** Held back for their workers' sake, but as ready as the others. */
const readyOf = (queue) => queue.ready + queue.staging + queue.suspects;

function queueName(cell, queue) {
  const link = part(cell, "a", "first");
  say(link, queue.name);
  link.href = `?queue=${encodeURIComponent(queue.name)}`;
  link.dataset.queue = queue.name;
  const chip = part(cell, "span", "chip");
  say(chip, queue.error ? "broken" : "paused");
  chip.hidden = !queue.paused && !queue.error;
  chip.dataset.state = queue.error ? "bad" : "quiet";
}

function withSpark(cell, text, values) {
  say(part(cell, "span", "figure"), text);
  spark(part(cell, "span", "drawing"), values);
}

export const queues = new Table(section("queues"), {
  caption: "Queues, what waits, runs and failed in each",
  empty: "No queues yet. Push a job: leat push increment counter=hits",
  key: (queue) => queue.name,
  columns: [
    { title: "Queue", name: "wide name", draw: queueName },
    number("Ready", (queue) => count(readyOf(queue))),
    number("High", (queue) => count(queue.high)),
    number("Running", (queue) => count(queue.running)),
    number("Scheduled", (queue) => count(queue.scheduled)),
    number("Retrying", (queue) => count(queue.retrying)),
    number("Dead", (queue) => count(queue.dead)),
    number("Bad", (queue) => count(queue.bad)),
    number("Oldest", (queue) =>
      queue.ready > 0 && queue.oldest_age_ms >= 0 ? span(queue.oldest_age_ms) : "–",
    ),
    {
      title: "Done",
      name: "drawn",
      draw: (cell, queue, { history }) =>
        withSpark(cell, rate(history.rate(queue.name)), history.rates(queue.name)),
    },
    {
      title: "Backlog",
      name: "drawn",
      draw: (cell, queue, { history }) =>
        withSpark(cell, count(readyOf(queue) + queue.high), history.backlogs(queue.name)),
    },
  ],
});

/* ---- workers ------------------------------------------------------------------------ */

function busy(cell, worker) {
  say(part(cell, "span", "figure"), `${count(worker.busy)} of ${count(worker.slots)}`);
  const part_of = worker.slots > 0 ? worker.busy / worker.slots : 0;
  part(cell, "span", "bar").style.setProperty("--share", part_of);
}

/** The jobs come with the longest one last. What the lost had, others have now. */
function longestJob(cell, worker, look) {
  const job = worker.lost ? undefined : worker.jobs.at(-1);
  const name = job ? visible(job.id ?? job.iid ?? "") : "";
  twoLines(
    cell,
    job ? visible(job.type) : "–",
    job ? `${span(look.atMs - job.since_ms)} ${name}` : "",
  );
}

export const workers = new Table(section("workers"), {
  caption: "Workers, what each does and did",
  empty: "No workers. Start one: leat worker",
  key: (worker) => worker.id,
  columns: [
    {
      title: "Worker",
      name: "wide name",
      draw: (cell, worker) =>
        twoLines(cell, `${visible(worker.host)}:${worker.pid}`, visible(worker.id)),
    },
    {
      title: "State",
      name: "state",
      text: (worker) => (worker.lost ? "lost" : worker.state),
    },
    { title: "Busy", name: "number busy", draw: busy },
    number("Held", (worker) => count(worker.held)),
    number("Done", (worker) => count(worker.done)),
    number("Failed", (worker) => count(worker.failed)),
    number("Up", (worker, look) =>
      worker.started_ms > 0 ? span(look.atMs - worker.started_ms) : "–",
    ),
    number("Memory", (worker) => (worker.rss_bytes > 0 ? size(worker.rss_bytes) : "–")),
    number("Fetched", (worker, look) =>
      worker.fetched_ms > 0 ? ago(worker.fetched_ms, look.atMs) : "–",
    ),
    number("Seen", (worker, look) => ago(worker.seen_ms, look.atMs)),
    { title: "Longest job", name: "kind", draw: longestJob },
    {
      title: "Queues",
      name: "list",
      text: (worker) => worker.queues.map(visible).join(", "),
    },
    { title: "Version", name: "quiet", text: (worker) => visible(worker.version) },
  ],
});

/* ---- counters ----------------------------------------------------------------------- */

export const counters = new Table(section("counters"), {
  caption: "The counters with the highest values",
  empty: "No counters in this queue. Count something: leat push increment counter=hits",
  key: (counter) => counter.name,
  columns: [
    { title: "Counter", name: "wide name", text: (counter) => visible(counter.name) },
    {
      title: "(Share of the highest)",
      name: "barred",
      draw: (cell, { value }, { top }) => {
        const share = top > 0n ? Number((BigInt(value) * 1000n) / top) / 1000 : 0;
        part(cell, "span", "bar").style.setProperty("--share", Math.max(0, share));
      },
    },
    number("Value", ({ value }) => count(value)),
  ],
});

export function showCounters(list, nowMs) {
  const top = list.counters.length > 0 ? BigInt(list.counters[0].value) : 0n;
  counters.update(list.counters, { top });
  note(
    "counters",
    `searched ${count(list.scanned)} of ${count(list.of)}, ${ago(list.at_ms, nowMs)}`,
  );
}

/* ---- copies ------------------------------------------------------------------------- */

/* Judged anew by each round: the list itself may be some seconds old. */
function freshness(cell, copy, { atMs }) {
  const left = copy.fresh_until_ms - atMs;
  const old = Math.max(1000, atMs - copy.fetched_ms);
  const chip = part(cell, "span", "chip");
  chip.dataset.state = left > 0 ? "good" : "warn";
  say(chip, left > 0 ? "fresh" : "stale");
  say(
    part(cell, "span", "first"),
    left > 0 ? `for ${span(left)}` : `since ${span(-left)}`,
  );
  say(
    part(cell, "span", "second"),
    `${span(old)} old, gone in ${span(copy.gone_ms - atMs)}`,
  );
}

export const copies = new Table(section("copies"), {
  caption: "Cached pages, the most read first",
  empty:
    "No cached pages in this queue. Keep one: leat push refresh url=https://example.org/",
  key: (copy) => copy.key,
  columns: [
    { title: "Page", name: "wide name", text: (copy) => visible(copy.key) },
    { title: "Freshness", name: "freshness", draw: freshness },
    number("Status", (copy) => String(copy.status)),
    number("Size", (copy) => size(copy.bytes)),
    number("Hits", (copy) => count(copy.hits)),
    number("Stale hits", (copy) => count(copy.stale)),
    number("Misses", (copy) => count(copy.misses)),
  ],
});

const figures = section("copies").insertBefore(element("dl", "figures"), copies.host);
const FIGURES = [
  [
    "Hit ratio",
    ({ hits, stale, misses }) =>
      percent(Number(hits + stale), Number(hits + stale + misses)),
  ],
  ["Hits", ({ hits }) => count(hits)],
  ["Stale hits", ({ stale }) => count(stale)],
  ["Misses", ({ misses }) => count(misses)],
];
for (const [title] of FIGURES) {
  const box = figures.appendChild(element("div"));
  box.append(element("dt", "", title), element("dd"));
}

export function showCopies(list, nowMs) {
  const total = { hits: 0n, stale: 0n, misses: 0n };
  for (const copy of list.copies)
    for (const name of Object.keys(total)) total[name] += BigInt(copy[name]);
  figures.hidden = list.copies.length === 0;
  FIGURES.forEach(([, text], i) => say(figures.children[i].lastChild, text(total)));
  copies.update(list.copies, { atMs: nowMs });
  note(
    "copies",
    `${count(list.copies.length)} of ${count(list.scanned)}, ${ago(list.at_ms, nowMs)}`,
  );
}

/* ---- jobs --------------------------------------------------------------------------- */

const EXCERPT = 120;

function time(cell, job, { atMs }) {
  const stamp = part(cell, "time", "first");
  say(stamp, ago(job.at_ms, atMs));
  stamp.dateTime = new Date(job.at_ms).toISOString();
  stamp.title = when(job.at_ms);
}

const kind = (cell, job) =>
  twoLines(cell, visible(job.type ?? "–"), visible(job.id ?? job.iid ?? ""));

/* A job's payload never changes, so what the reader unfolded stays unfolded. */
function payload(cell, job) {
  if (cell.hasChildNodes()) return;
  const text = visible(job.payload);
  if (text.length <= EXCERPT) {
    cell.append(element("code", "", text));
    return;
  }
  const details = cell.appendChild(element("details"));
  details.append(
    element("summary", "", `${text.slice(0, EXCERPT)}…`),
    element("code", "", text),
  );
  details.append(element("span", "second", `${count(job.payload_bytes)} bytes in all`));
}

/* What its program wrote last comes with the failure, and never changes either. */
function errorAndOutput(cell, job) {
  if (cell.hasChildNodes()) return;
  cell.append(element("span", "", visible(job.error ?? "–")));
  for (const stream of ["stderr", "stdout"]) {
    if (!job[stream]) continue;
    const details = cell.appendChild(element("details"));
    details.append(
      element("summary", "", `${stream}, its end`),
      element("code", "", visibleLines(job[stream])),
    );
  }
}

function button(word, className, job) {
  const made = element("button", className, word);
  made.type = "button";
  made.dataset.handle = job.handle;
  made.setAttribute(
    "aria-label",
    `${word} ${visible(job.type ?? "")} ${visible(job.id ?? job.handle)}`,
  );
  return made;
}

function buttons(cell, job) {
  if (cell.hasChildNodes() || !job.handle) return;
  const group = cell.appendChild(element("span", "buttons"));
  group.append(button("Retry", "retry", job), button("Delete", "delete", job));
}

const JOB = {
  when: (title) => ({ title, name: "when", draw: time }),
  kind: { title: "Job", name: "kind", draw: kind },
  error: { title: "Error", name: "error", text: (job) => visible(job.error ?? "–") },
  attempts: number("Attempts", (job) => count(job.fails ?? job.deliveries ?? 0)),
  payload: { title: "Payload", name: "payload", draw: payload },
  buttons: { title: "(Actions)", name: "act", draw: buttons },
};

export const jobs = {
  dead: new Table(section("dead"), {
    caption: "Dead jobs, the newest first",
    empty: "Nothing has died in this queue.",
    key: (job) => job.handle,
    columns: [
      JOB.when("Died"),
      JOB.kind,
      JOB.error,
      JOB.attempts,
      JOB.payload,
      JOB.buttons,
    ],
  }),
  bad: new Table(section("bad"), {
    caption: "Entries that are no jobs, kept byte for byte",
    empty: "Nothing in this queue that is no job.",
    key: (job) => job.handle,
    columns: [
      { ...JOB.error, title: "Reason" },
      number("Size", (job) => size(job.payload_bytes)),
      JOB.payload,
      JOB.buttons,
    ],
  }),
  failed: new Table(section("failed"), {
    caption: "The last runs that failed, the newest first",
    empty: "No failures in this queue.",
    key: (job) => [job.at_ms, job.iid, job.fails, job.payload].join(" "),
    columns: [
      JOB.when("Failed"),
      JOB.kind,
      {
        title: "Then",
        name: "state",
        text: (job) => (job.outcome === "dead" ? "died" : "runs again"),
      },
      { title: "Error", name: "error", draw: errorAndOutput },
      JOB.attempts,
      JOB.payload,
    ],
  }),
};

export function showJobs(state, list, nowMs) {
  jobs[state].update(list.jobs, { atMs: nowMs });
  note(
    state,
    list.jobs.length > 0 ? `${count(list.jobs.length)} of ${count(list.of)}` : "",
  );
}
