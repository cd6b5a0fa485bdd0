// SPDX-License-Identifier: MIT
// What browser scripts share: the shell that started them, and Debian's chromium.
import { openSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.BROWSER_MODULES}/package.json`);
const { chromium } = require("playwright-core");

export const axeSource = require("axe-core").source;

const ask = openSync(`${process.env.BROWSER_DIR}/ask`, "r+");
const answer = openSync(`${process.env.BROWSER_DIR}/answer`, "r+");

/** Run one line of shell in the test's shell, with all that e2e.sh and browser.sh give; returns
 *  what it printed, blanks for its newlines. Blocks: nothing else happens here meanwhile. */
export function sh(line) {
  const chunk = Buffer.alloc(4096);
  let text = "";
  writeSync(ask, `${line}\n`);
  while (!text.endsWith("\n")) text += chunk.toString("utf8", 0, readSync(answer, chunk));
  return text.trim();
}

/** The browser; nothing of it talks to anybody but the pages it is given. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.BROWSER_CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
  });
}
