// SPDX-License-Identifier: MIT
// The page looks at everything each two seconds while somebody looks at the page. One round of
// questions is under way at a time; whether the overview came decides if the page is live, and
// a list that failed says so in its place. Nothing here makes markup from text: the policy sent
// with the page forbids it, and all that comes from outside goes through visible().
// Served at /page.js, and the modules beside it below /page/.
import { showAlarms, showUnknown } from "./page/alarms.js";
import { Problem, read, write } from "./page/api.js";
import { clock, size, span, visible } from "./page/format.js";
import {
  jobs,
  note,
  queues,
  showCopies,
  showCounters,
  showJobs,
  workers,
} from "./page/lists.js";
import { tell } from "./page/said.js";
import { History } from "./page/spark.js";
import { say } from "./page/table.js";

const ROUND_MS = 2000;
const SURE_MS = 5000;
const byId = (id) => document.getElementById(id);

const looks = new History();
let isPaused = false;
let isAsking = false;
let isAskedAgain = false; // the answers under way are about what was before
let timer = 0;
let lostAtMs = 0; // since when nothing comes; 0: it does
let acts = 0; // of the reader; answers from before the last one are out of date
let isFirst = true; // what was so before anybody looked is no news
let queue = queueOfAddress() ?? "default";

/* ---- what is above the lists -------------------------------------------------------- */

function showLink(state, text) {
  const link = byId("link");
  if (link.dataset.state !== state && (state === "lost" || link.dataset.state === "lost"))
    tell(state === "lost" ? "Disconnected" : "Connected again");
  link.dataset.state = state;
  say(byId("link-text"), text);
}

function showServer({ version, redis }) {
  const memory =
    size(redis.used_memory_bytes) +
    (redis.max_memory_bytes > 0 ? ` of ${size(redis.max_memory_bytes)}` : "");
  say(
    byId("server"),
    `${visible(version)} on Redis ${visible(redis.version)}, ${memory}, up ${span(redis.uptime_s * 1000)}`,
  );
}

function showChooser(names) {
  const select = byId("queue");
  const all = names.includes(queue) ? names : [...names, queue];
  const old = [...select.options].map((option) => option.value);
  if (all.join("\n") !== old.join("\n"))
    select.replaceChildren(...all.map((name) => new Option(name, name)));
  if (select.value !== queue) select.value = queue;
}

function showOverview(overview) {
  looks.look(overview.queues, overview.at_ms);
  const look = { history: looks, atMs: overview.at_ms };
  const names = overview.queues.map((q) => q.name);
  if (queueOfAddress() === null && !names.includes(queue) && names.length > 0)
    choose(names[0]);
  showServer(overview);
  showAlarms(overview, isFirst);
  showChooser(names);
  queues.update(overview.queues, look);
  workers.update(overview.workers, look);
  const more = overview.left_out ? "there are more than are shown" : "";
  note("queues", more);
  note("workers", more);
}

/* ---- rounds ------------------------------------------------------------------------- */

const LISTS = [
  ["counters", "counters?limit=10", showCounters],
  ["copies", "cache?limit=50", showCopies],
  ...Object.keys(jobs).map((state) => [
    state,
    `jobs?state=${state}&limit=20`,
    (list, nowMs) => showJobs(state, list, nowMs),
  ]),
];

function showLost(problem) {
  lostAtMs ||= Date.now();
  const since = clock(lostAtMs);
  showLink("lost", `disconnected since ${since}`);
  showUnknown(`${problem.message}; what is below was so before ${since}`);
}

async function ask() {
  const asked = queue;
  const actsBefore = acts;
  const answers = await Promise.allSettled([
    read("api/v1/overview"),
    ...LISTS.map(([, path]) => read(`api/v1/${path}&queue=${encodeURIComponent(asked)}`)),
  ]);
  const [overview, ...lists] = answers;
  if (overview.status === "rejected") {
    showLost(overview.reason);
    return;
  }
  lostAtMs = 0;
  showLink(isPaused ? "paused" : "live", isPaused ? "paused" : "live");
  showOverview(overview.value);
  isFirst = false;
  if (asked !== queue || actsBefore !== acts) return;
  lists.forEach(({ status, value, reason }, i) => {
    const [id, , show] = LISTS[i];
    if (status === "fulfilled") show(value, overview.value.at_ms);
    else note(id, `could not be read: ${visible(reason.message)}`);
  });
}

function isWanted() {
  return !isPaused && document.visibilityState === "visible";
}

async function round() {
  clearTimeout(timer);
  if (isAsking) {
    isAskedAgain = true;
    return;
  }
  isAsking = true;
  isAskedAgain = false;
  try {
    await ask();
  } finally {
    isAsking = false;
  }
  if (isAskedAgain) round();
  else if (isWanted()) timer = setTimeout(round, ROUND_MS);
}

/* ---- what the reader does ----------------------------------------------------------- */

/** The one the address names, or null. */
function queueOfAddress() {
  return new URLSearchParams(location.search).get("queue");
}

function choose(name) {
  if (name === queue) return;
  queue = name;
  byId("queue").value = name;
  round();
}

function chooseByReader(name, place = "") {
  history.pushState(null, "", `?queue=${encodeURIComponent(name)}${place}`);
  choose(name);
  if (place) document.querySelector(place).scrollIntoView();
}

const ACTIONS = {
  retry: { method: "POST", verb: ":retry", done: "runs again" },
  delete: { method: "DELETE", verb: "", done: "is deleted" },
};

async function act(button, name) {
  const { method, verb, done } = ACTIONS[name];
  const { handle } = button.dataset;
  const path = `api/v1/jobs/${encodeURIComponent(handle)}${verb}`;
  const state = button.closest("section").id;
  if (button.ariaBusy) return;
  button.ariaBusy = "true"; // not disabled: that would drop the focus
  try {
    if (!(await write(method, `${path}?queue=${encodeURIComponent(queue)}`))) return;
    acts++;
    if (!jobs[state].remove(handle, `.${name}`)) byId(`${state}-title`).focus();
    tell(`The job ${done}.`);
    round();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    tell(`That did not work: ${visible(problem.message)}`);
  } finally {
    button.ariaBusy = null;
  }
}

/** Deleting is for ever, so the button asks once, in its own place. */
function sure(button) {
  if (button.dataset.sure) return true;
  const { textContent, ariaLabel } = button;
  const calm = () => {
    clearTimeout(timeout);
    delete button.dataset.sure;
    button.textContent = textContent;
    button.ariaLabel = ariaLabel;
  };
  const timeout = setTimeout(calm, SURE_MS);
  button.addEventListener("blur", calm, { once: true });
  button.dataset.sure = "asked";
  button.textContent = "Really?";
  button.ariaLabel = `Really? ${ariaLabel} for good`;
  return false;
}

function onClick(event) {
  const button = event.target.closest("button[data-handle]");
  const link = event.target.closest("a[data-queue]");
  if (button?.classList.contains("retry")) act(button, "retry");
  if (button?.classList.contains("delete") && sure(button)) act(button, "delete");
  if (link?.dataset.queue && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    chooseByReader(link.dataset.queue, link.hash);
  }
}

function onPause() {
  isPaused = !isPaused;
  say(byId("pause"), isPaused ? "Go on" : "Pause");
  if (isPaused) clearTimeout(timer);
  if (isPaused && lostAtMs === 0) showLink("paused", "paused");
  if (!isPaused) round();
}

document.addEventListener("click", onClick);
document.addEventListener("visibilitychange", () => {
  if (isWanted()) round();
  else clearTimeout(timer);
});
byId("pause").addEventListener("click", onPause);
byId("queue").addEventListener("change", (event) => chooseByReader(event.target.value));
addEventListener("popstate", () => choose(queueOfAddress() ?? "default"));
say(byId("address"), location.origin);
round();
