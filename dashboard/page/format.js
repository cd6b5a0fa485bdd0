// SPDX-License-Identifier: MIT
// Numbers, times and foreign text as people read them. Pure.

const LANGUAGE = "en"; // the page's own, so that its words and its numbers agree

const whole = new Intl.NumberFormat(LANGUAGE);
const oneDigit = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(LANGUAGE, {
  style: "percent",
  maximumFractionDigits: 1,
});
const time = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "medium", hourCycle: "h23" });
const dateTime = new Intl.DateTimeFormat(LANGUAGE, {
  dateStyle: "medium",
  timeStyle: "long",
  hourCycle: "h23",
});

const unit = (name, digits = 0) =>
  new Intl.NumberFormat(LANGUAGE, {
    style: "unit",
    unit: name,
    unitDisplay: "narrow",
    maximumFractionDigits: digits,
  });

const SPANS = [
  [86_400_000, unit("day")],
  [3_600_000, unit("hour")],
  [60_000, unit("minute")],
  [1_000, unit("second")],
  [1, unit("millisecond")],
];
const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"].map(
  (name) =>
    new Intl.NumberFormat(LANGUAGE, {
      style: "unit",
      unit: name,
      unitDisplay: name === "byte" ? "narrow" : "short",
      maximumSignificantDigits: 3,
    }),
);

// Controls, and marks that turn or hide the text beside them.
const UNSEEN = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Foreign text with everything invisible made visible: nothing in it can pose as ours. */
export function visible(text) {
  return String(text).replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** The same, but its lines stay lines. */
export function visibleLines(text) {
  return String(text).split("\n").map(visible).join("\n");
}

/** A whole number; decimal texts stay exact beyond 2^53. */
export function count(number) {
  return whole.format(typeof number === "string" ? BigInt(number) : number);
}

/** A duration, its two largest units: `850ms`, `12s`, `3m 20s`. */
export function span(ms) {
  let rest = Math.max(0, Math.round(ms));
  if (rest >= 1000) rest -= rest % 1000;
  const parts = [];
  for (const [size, format] of SPANS) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0 || parts.length > 0) parts.push([n, format]);
    if (parts.length === 2) break;
  }
  return (
    parts
      .filter(([n]) => n > 0)
      .map(([n, format]) => format.format(n))
      .join(" ") || "0s"
  );
}

/** How long ago, by the clock of whoever said `now`. */
export function ago(atMs, nowMs) {
  const ms = nowMs - atMs;
  return ms < 1000 ? "just now" : `${span(ms)} ago`;
}

/** A size in bytes. */
export function size(bytes) {
  const step = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return SIZES[step].format(bytes / 1000 ** step);
}

/** So many a second; `–` while it is not known. */
export function rate(perSecond) {
  if (perSecond === null) return "–";
  return `${perSecond < 10 ? oneDigit.format(perSecond) : whole.format(Math.round(perSecond))}/s`;
}

/** A part of a whole; `–` of nothing. */
export function percent(part, all) {
  return all > 0 ? share.format(part / all) : "–";
}

/** The time of day, and the whole of it for a tooltip. */
export const clock = (atMs) => time.format(atMs);
export const when = (atMs) => dateTime.format(atMs);
