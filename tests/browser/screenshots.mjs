// SPDX-License-Identifier: MIT
// Looks at the page until its drawings are full, then takes the pictures.
import { launch, sh } from "./shell.mjs";

const SECONDS = 120; // as much as a drawing shows
const folder = process.argv[2];
const home = `http://127.0.0.1:${sh("echo $port")}/?queue=`;
const browser = await launch();

const SHOTS = [
  {
    name: "page-light",
    colorScheme: "light",
    viewport: { width: 1200, height: 1500 },
    queue: "pages",
  },
  {
    name: "page-dark",
    colorScheme: "dark",
    viewport: { width: 1200, height: 900 },
    queue: "default",
  },
  {
    name: "page-phone",
    colorScheme: "light",
    viewport: { width: 390, height: 1100 },
    queue: "pages",
    isMobile: true,
    hasTouch: true,
  },
];

const tabs = [];
for (const { name, queue, ...options } of SHOTS) {
  const tab = await (await browser.newContext(options)).newPage();
  await tab.goto(home + queue);
  tabs.push([name, tab]);
}
const end = Date.now() + SECONDS * 1000;
for (let i = 0; Date.now() < end; i++) {
  sh("visitors");
  if (i % 10 === 0) sh("read_pages 4; refresh_pages max_age_ms:=0");
  await new Promise((resolve) => setTimeout(resolve, 600));
}
for (const [name, tab] of tabs) {
  await tab.waitForFunction(() => document.getElementById("said").textContent === "");
  await tab.screenshot({ path: `${folder}/${name}.png` });
  console.log(`ok - ${folder}/${name}.png`);
}
await browser.close();
