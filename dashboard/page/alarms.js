// SPDX-License-Identifier: MIT
// What is wrong, each as a sentence that says what to do: the server's alarms first, then what
// is no alarm but waits for somebody to decide.
import { count, span, visible } from "./format.js";
import { tell } from "./said.js";
import { element, say } from "./table.js";

const calm = document.getElementById("calm");
const list = document.getElementById("alarm-list");

function counted(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

const CHORES = [
  {
    many: (q) => q.dead,
    says: (n) => `${counted(n, "job", "jobs")} died in`,
    cure: "see why, then retry or delete",
    place: "#dead",
  },
  {
    many: (q) => q.bad,
    says: (n) => `${counted(n, "entry is", "entries are")} no job in`,
    cure: "see what was meant",
    place: "#bad",
  },
  {
    many: (q) => (q.paused ? q.ready + q.high : 0),
    says: (n) => `${counted(n, "job waits", "jobs wait")} in the paused`,
    cure: "leat queue resume goes on",
    place: "",
  },
];

function choresOf({ queues, workers, at_ms: nowMs }) {
  const found = [];
  for (const q of queues)
    for (const { many, says, cure, place } of CHORES)
      if (many(q) > 0)
        found.push({
          queue: q.name,
          place,
          text: `${says(many(q))} queue ${q.name}: ${cure}`,
        });
  for (const { id, host, note, seen_ms: seenMs } of workers.filter(({ lost }) => lost))
    found.push({
      place: "#workers",
      text: `worker ${id} on ${host} was last seen ${span(nowMs - seenMs)} ago; ${note}`,
    });
  return found;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function fill(item, { kind = "chore", text, queue, place }) {
  const [words, link] = item.children;
  item.className = kind;
  say(words, sentence(visible(text)));
  link.hidden = !place;
  link.href = (queue ? `?queue=${encodeURIComponent(queue)}` : "") + (place ?? "");
  link.dataset.queue = queue ?? "";
}

function itemNew() {
  const item = element("li");
  item.append(element("span"), element("a", "", "Show"));
  return item;
}

function show(all, isNews) {
  const alarms = all.filter(({ kind }) => kind === "alarm").length;
  while (list.children.length > all.length) list.lastChild.remove();
  while (list.children.length < all.length) list.append(itemNew());
  all.forEach((alarm, i) => fill(list.children[i], alarm));
  calm.hidden = all.length > 0;
  const title = alarms > 0 ? `(${alarms}) leat` : "leat";
  if (document.title === title) return;
  document.title = title;
  if (alarms > 0 && isNews) tell(counted(alarms, "alarm", "alarms"));
}

/** Show the alarms of an overview, or that all is well. `isFirst`: nobody looked before, so that
 *  nothing of it is news. */
export function showAlarms(overview, isFirst) {
  const alarms = overview.alarms.map(({ queue, text }) => ({
    kind: "alarm",
    queue,
    text,
  }));
  calm.className = "calm well";
  say(calm, "All is well.");
  show([...alarms, ...choresOf(overview)], !isFirst);
}

/** Nothing is known now, and this is why. */
export function showUnknown(why) {
  show([{ kind: "alarm", text: why }], false);
}
