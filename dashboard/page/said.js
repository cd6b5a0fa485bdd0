// SPDX-License-Identifier: MIT
// A sentence at the foot of the page, for eyes and screen readers alike.
import { say } from "./table.js";

const SAID_MS = 8000;
const said = document.getElementById("said");
let timer = 0;

/** Say it, in place of what was said before, for a while. */
export function tell(text) {
  say(said, text);
  clearTimeout(timer);
  timer = setTimeout(() => say(said, ""), SAID_MS);
}
