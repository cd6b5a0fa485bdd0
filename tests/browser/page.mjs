// SPDX-License-Identifier: MIT
// What the page promises, one promise a function. All of it happens in one tab that is never
// loaded anew, beside a real Redis, worker, origin and dashboard; the shell's part is in page.sh.
import assert from "node:assert/strict";
import { axeSource, launch, sh } from "./shell.mjs";

const DEADLINE_MS = 20_000; // against hanging only
const port = sh("echo $port");
const origin = sh("echo $origin");
const home = `http://127.0.0.1:${port}/`;

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(DEADLINE_MS);
const complaints = [];
const page = await newPage(context);

/** A tab whose complaints fail the test: errors, and what the policy forbade. What the browser
 *  says of a server that is away is none. */
async function newPage(from) {
  const made = await from.newPage();
  made.on("pageerror", (error) => complaints.push(error.stack));
  made.on("console", (message) => {
    if (!/^Failed to load resource/.test(message.text()) && message.type() !== "info")
      complaints.push(message.text());
  });
  return made;
}

async function until(condition, what) {
  const end = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const rows = (section, text) =>
  page.locator(`#${section} tbody tr:not(.gone)`, text ? { hasText: text } : {});
const cell = (row, label) => row.locator(`[data-label="${label}"]`);
const away = () => page.mouse.move(2, 200); // rows stay where they are under a pointer

async function shows(locator, text, what) {
  await until(async () => (await locator.innerText()).includes(text), `${what}: ${text}`);
}

/** A job that dies at once, and its row. */
async function dies(name) {
  sh(`brim ${name}; "$leat" push increment counter=${name}`);
  await rows("dead", name).waitFor();
  return rows("dead", name);
}

/* ---- the promises ------------------------------------------------------------------- */

async function showsTheRealNumbers() {
  sh(`seq 1234 | sed 's/.*/song/' | "$leat" push --lines increment --arg counter`);
  sh(`"$leat" push increment counter=ship by:=7`);
  for (const path of ["/news", "/about"])
    sh(`"$leat" push refresh url=$origin${path} key=${path}`);
  await page.goto(home);
  await page.evaluate(() => (window.isSameLoad = true));
  const counters = rows("counters");
  await until(async () => (await counters.count()) === 2, "two counters");
  await shows(counters.nth(0), "1,234", "the highest counter first");
  await shows(counters.nth(1), "7", "the other");
  await rows("copies", "/about").waitFor();
  for (const path of ["/news", "/news", "/news", "/about"])
    sh(`http_get $port /cache/${path}`);
  await shows(cell(rows("copies", "/news"), "Hits"), "3", "the hits of a page");
  await shows(page.locator("#copies dl"), "100%", "the hit ratio of all pages");
  await shows(cell(rows("copies", "/news"), "Freshness"), "fresh", "the freshness");
  await until(
    async () =>
      (await cell(rows("workers"), "Done").innerText()) ===
      Number(sh("redis_cli hget '{leat:default}:m' done")).toLocaleString("en"),
    "the worker's count of done jobs",
  );
  await shows(page.locator("#calm"), "All is well.", "calm");
}

async function refusesMarkup() {
  const tab = await context.newPage();
  await tab.goto(home);
  const refused = await tab.evaluate(() => {
    try {
      document.body.innerHTML = "<b>x</b>";
    } catch (error) {
      return error.name;
    }
    return "none";
  });
  assert.equal(refused, "TypeError", "markup from text is refused by the browser");
  await tab.close();
}

async function letsADeadJobRunAgain() {
  const row = await dies("brim");
  await shows(page.locator("#alarms"), "1 job died", "the chore");
  await shows(cell(row, "Error"), "would leave the range", "the reason");
  await shows(rows("failed", "brim"), "died", "the failure");
  sh("unbrim brim");
  await row.getByRole("button", { name: "Retry" }).click();
  await row.waitFor({ state: "detached" });
  await until(() => sh("counter brim") === "1", "the job to have run");
  await away();
}

async function asksBeforeItDeletes() {
  const row = await dies("heap");
  const before = Number(sh("dead_count"));
  await row.getByRole("button", { name: "Delete" }).click();
  assert.equal(Number(sh("dead_count")), before, "the first press deletes nothing");
  await row.getByRole("button", { name: "Really?" }).click();
  await row.waitFor({ state: "detached" });
  await until(() => Number(sh("dead_count")) === before - 1, "the job to be deleted");
  await away();
}

async function holdsRowsUnderThePointer() {
  await dies("first");
  await rows("dead", "first").hover();
  await dies("second");
  assert.match(
    await rows("dead").nth(0).innerText(),
    /first/,
    "the new row came at the end",
  );
  await away();
  await until(
    async () => /second/.test(await rows("dead").nth(0).innerText()),
    "the newest first",
  );
}

async function worksByKeyboard() {
  sh("unbrim first; unbrim second");
  const focused = () =>
    page.evaluate(() => {
      const { activeElement: at } = document;
      return {
        text: at.textContent,
        outline: getComputedStyle(at).outlineStyle,
        row: at.closest("#dead tr")?.textContent ?? "",
      };
    });
  await page.evaluate(() => document.activeElement.blur());
  let at = await focused();
  for (let i = 0; i < 60 && at.text !== "Retry"; i++) {
    await page.keyboard.press("Tab");
    at = await focused();
  }
  assert.match(at.row, /second/, "Tab comes to the first dead job");
  assert.notEqual(at.outline, "none", "the focus is seen");
  await page.keyboard.press("Enter");
  await rows("dead", "second").waitFor({ state: "detached" });
  at = await focused();
  assert.match(at.row, /first/, "the focus goes on to the next row");
  await page.keyboard.press("Enter");
  await until(
    () => sh("counter first") === "1" && sh("counter second") === "1",
    "both to run",
  );
  await page.evaluate(() => document.activeElement.blur());
}

async function showsForeignTextAsText() {
  const hostile = "<img src=x onerror=window.isHit=1>";
  sh(
    `redis_cli lpush leat:default '${hostile}' '{"type":"nobody<b>","args":"\u202egnp.exe"}'`,
  );
  sh(`"$leat" push increment counter='${hostile}' by:=5000`);
  sh(`"$leat" push increment counter=$'\\u202egnp.exe\\u2066' by:=4000`);
  await rows("bad", "<img src=x onerror").waitFor();
  await rows("bad", "gnp.exe").waitFor();
  await rows("counters", hostile).waitFor();
  await rows("counters", "gnp.exe").waitFor();
  const all = await page.evaluate(() => document.body.textContent);
  assert.doesNotMatch(
    all,
    /[\u202a-\u202e\u2066-\u2069]/,
    "nothing turns the text around",
  );
  assert.match(
    await rows("counters", "gnp.exe").innerText(),
    /^\\/,
    "it is seen that it would",
  );
  assert.equal(await page.locator("main img, tbody b").count(), 0, "no markup was made");
  assert.equal(await page.evaluate(() => window.isHit), undefined, "nothing of it ran");
  await rows("bad", "<img").getByRole("button", { name: "Delete" }).click();
  await rows("bad", "<img").getByRole("button", { name: "Really?" }).click();
  await rows("bad", "<img").waitFor({ state: "detached" });
  await away();
}

async function showsWhatAFailedRunWrote() {
  sh(`"$leat" push grumble text=aloud --retries 0`);
  const row = rows("failed", "aloud");
  await row.waitFor();
  await shows(cell(row, "Error"), "exit 1", "the reason");
  const output = cell(row, "Error").locator("details");
  assert.equal(await output.count(), 1, "nothing is said of a stream that is empty");
  assert.equal(await output.locator("code").isVisible(), false, "it is folded");
  await output.locator("summary").click();
  assert.equal(
    await output.locator("code").textContent(),
    "first <b>line</b>\nlast \\u{202e}line\n",
    "its lines are lines, and all else is text",
  );
  await page.evaluate(() => document.activeElement.blur());
  await away();
}

async function keepsTheQueueInTheAddress() {
  sh(`"$leat" push -q other increment counter=elsewhere by:=3`);
  await page.locator("#queues a", { hasText: "other" }).click();
  await until(() => page.url().endsWith("?queue=other"), "the address");
  await shows(
    page.locator("#alarms .alarm"),
    "leat worker -q other",
    "the alarm, and its cure",
  );
  await page.goBack();
  await rows("counters", "song").waitFor();
  assert.equal(await page.locator("#queue").inputValue(), "default");
}

async function link(state) {
  await page.locator(`#link[data-state="${state}"]`).waitFor();
}

async function comesBackByItself() {
  await link("live");
  sh("dashboard_stop KILL");
  await link("lost");
  assert.match(
    await page.locator("#link").innerText(),
    /disconnected since \d\d:\d\d:\d\d/,
  );
  await shows(page.locator("#alarms .alarm"), "The dashboard does not answer", "why");
  sh("dashboard_start");
  await link("live");
  sh("redis_kill9");
  await link("lost");
  await shows(page.locator("#alarms .alarm"), "Redis cannot be asked", "why");
  sh("redis_start");
  await link("live");
  await rows("counters", "song").waitFor();
}

/** Requests of a tab; a function that tells how many there were since. */
function requestsOf(tab) {
  let count = 0;
  tab.on("request", () => count++);
  return () => count;
}

async function asksOnlyWhileLookedAt() {
  const other = await newPage(context);
  const ofOther = requestsOf(other);
  const ofPage = requestsOf(page);
  const rounds = async (n) => {
    const from = ofOther();
    await until(() => ofOther() - from >= n * 6, "the other tab's rounds");
  };
  await other.goto(home);
  await page.getByRole("button", { name: "Pause" }).click();
  await link("paused");
  await see(page, "hidden");
  const paused = ofPage();
  await see(page, "visible");
  await rounds(3);
  assert.ok(
    ofPage() - paused <= 6,
    "a paused tab ends the round under way, and asks no more",
  );
  await page.getByRole("button", { name: "Go on" }).click();
  await link("live");
  await see(page, "hidden");
  const hidden = ofPage();
  await rounds(3);
  assert.ok(
    ofPage() - hidden <= 6,
    "a hidden tab ends the round under way, and asks no more",
  );
  await see(page, "visible");
  const from = ofPage();
  await until(() => ofPage() > from, "the tab to ask again");
  await other.close();
}

/* Headless tabs are never hidden, so the page is told what a browser would tell it. */
function see(tab, state) {
  return tab.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

async function fitsEveryWidth() {
  sh(`"$leat" push increment counter=$(printf '%0900d' 0) by:=3000`);
  await dies("wide");
  for (const width of [360, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const over = await page.evaluate(() => {
      const boxes = [document.documentElement];
      if (innerWidth < 400) boxes.push(...document.querySelectorAll(".scroll")); // cards
      return Math.max(...boxes.map((box) => box.scrollWidth - box.clientWidth));
    });
    assert.ok(over <= 0, `${width} px: ${over} px too wide`);
  }
}

async function isAccessibleInAnyScheme() {
  const plain = await browser.newContext({ bypassCSP: true }); // for axe, which is no part of it
  const grounds = new Set();
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 1280],
    ["light", 360],
  ]) {
    const tab = await plain.newPage();
    await tab.setViewportSize({ width, height: 800 });
    await tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await tab.goto(home);
    await tab.locator('#link[data-state="live"]').waitFor();
    grounds.add(
      await tab.evaluate(
        () => getComputedStyle(document.documentElement).backgroundColor,
      ),
    );
    await tab.evaluate(axeSource);
    const { violations } = await tab.evaluate(() => window.axe.run());
    const found = violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html}`,
    );
    assert.deepEqual(found, [], `axe, ${colorScheme}, ${width} px`);
    await tab.close();
  }
  assert.equal(grounds.size, 2, "dark is another ground than light");
}

async function asksForTheToken() {
  const token = "a-token-of-a-test";
  sh(`printf '%s\\n' ${token} >$dir/token; chmod 600 $dir/token`);
  sh("dashboard_stop; dashboard_start --token-file $dir/token");
  await link("live");
  sh("unbrim wide");
  const row = rows("dead", "wide");
  await row.getByRole("button", { name: "Retry" }).click();
  const dialog = page.getByRole("dialog");
  for (const [typed, text] of [
    ["a-wrong-token-for-it", "only with its token"],
    [token, "not the token"],
  ]) {
    await shows(dialog, text, "the dialog");
    await dialog.locator("input").fill(typed);
    await dialog.locator("input").press("Enter");
  }
  await row.waitFor({ state: "detached" });
  await until(() => sh("counter wide") === "1", "the job to run");
  assert.equal(await dialog.count(), 0, "the dialog is gone");
}

/* ---- in order ----------------------------------------------------------------------- */

const PROMISES = [
  showsTheRealNumbers,
  refusesMarkup,
  letsADeadJobRunAgain,
  asksBeforeItDeletes,
  holdsRowsUnderThePointer,
  worksByKeyboard,
  showsForeignTextAsText,
  showsWhatAFailedRunWrote,
  keepsTheQueueInTheAddress,
  comesBackByItself,
  asksOnlyWhileLookedAt,
  fitsEveryWidth,
  asksForTheToken,
  isAccessibleInAnyScheme,
];

for (const promise of PROMISES) {
  const words = promise.name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  try {
    await promise();
    assert.deepEqual(
      complaints,
      [],
      "no error in the console, nothing that the policy forbade",
    );
  } catch (error) {
    await page.screenshot({ path: `${process.env.BROWSER_DIR}/page.png` });
    console.log(`not ok - the page ${words}\n${error.stack}`);
    process.exit(1);
  }
  console.log(`ok - the page ${words}`);
}
assert.ok(await page.evaluate(() => window.isSameLoad), "the page was never loaded anew");
await browser.close();
