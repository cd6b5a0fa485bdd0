// SPDX-License-Identifier: MIT
// What this tab saw of each queue, and a small drawing of it.

const LOOKS = 60; // kept of a queue; two minutes at a look each two seconds
const RATE_LOOKS = 5; // a rate over ten seconds moves, but does not flicker
const WIDTH = 90;
const HEIGHT = 24;
const SVG = "http://www.w3.org/2000/svg";

/** The looks at all queues, by name. */
export class History {
  #queues = new Map();

  /** Add what an overview says; the same look twice counts once. */
  look(queues, atMs) {
    const old = this.#queues;
    this.#queues = new Map();
    for (const queue of queues) {
      const looks = old.get(queue.name) ?? [];
      const backlog = queue.ready + queue.high + queue.staging + queue.suspects;
      if (looks.at(-1)?.atMs !== atMs) looks.push({ atMs, done: queue.done, backlog });
      if (looks.length > LOOKS) looks.shift();
      this.#queues.set(queue.name, looks);
    }
  }

  /** Jobs done a second, from two looks up to ten seconds apart; null while there was only one. */
  rate(name) {
    const looks = this.#queues.get(name) ?? [];
    return rateAt(looks, looks.length - 1);
  }

  rates(name) {
    const looks = this.#queues.get(name) ?? [];
    return looks.slice(1).map((_, i) => rateAt(looks, i + 1) ?? 0);
  }

  backlogs(name) {
    return (this.#queues.get(name) ?? []).map((look) => look.backlog);
  }
}

function rateAt(looks, i) {
  const to = looks[i];
  const from = looks[Math.max(0, i + 1 - RATE_LOOKS)];
  if (!from || from.atMs >= to.atMs || to.done < from.done) return null;
  return ((to.done - from.done) * 1000) / (to.atMs - from.atMs);
}

function shape(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

/** Draw a line through `values`, the newest at the right. `host` keeps its drawing. The number
 *  stands beside it in words, so it is hidden from screen readers. */
export function spark(host, values) {
  const svg =
    host.querySelector("svg") ??
    shape(host, "svg", {
      class: "spark",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
  const area = svg.querySelector(".area") ?? shape(svg, "path", { class: "area" });
  const line = svg.querySelector(".line") ?? shape(svg, "path", { class: "line" });
  const top = Math.max(1, ...values);
  const step = WIDTH / (LOOKS - 1);
  const left = WIDTH - step * (values.length - 1);
  const points = values.map((value, i) => {
    const x = (left + i * step).toFixed(1);
    return `${x},${(HEIGHT - 1.5 - (value / top) * (HEIGHT - 4)).toFixed(1)}`;
  });
  const drawn = points.length > 1 ? `M${points.join("L")}` : "";
  line.setAttribute("d", drawn);
  area.setAttribute("d", drawn && `${drawn}V${HEIGHT}H${left.toFixed(1)}Z`);
}
