// SPDX-License-Identifier: MIT
// Looks at the page until its drawings are full, then takes the pictures.
import { launch, sh } from "./shell.mjs";

const LOOK_MS = 120_000; // as much as a drawing shows
const folder = process.argv[2];
const home = `http://127.0.0.1:${sh("echo $port")}/`;
const browser = await launch();

const SHOTS = [
  { name: "page-light", place: "body", viewport: { width: 1200, height: 1480 } },
  {
    name: "page-dark",
    place: "#copies",
    viewport: { width: 1200, height: 1480 },
    colorScheme: "dark",
  },
  {
    name: "page-phone",
    place: "body",
    viewport: { width: 390, height: 1200 },
    isMobile: true,
    hasTouch: true,
  },
];

const tabs = [];
for (const { name, place, ...options } of SHOTS) {
  const tab = await (await browser.newContext(options)).newPage();
  await tab.goto(home);
  tabs.push({ name, place, tab });
}
for (const end = Date.now() + LOOK_MS; Date.now() < end;) {
  sh("visitors 2>>$dir/push.log");
  await new Promise((resolve) => setTimeout(resolve, 500));
}
for (const { name, place, tab } of tabs) {
  await tab.locator(place).evaluate((section) => section.scrollIntoView());
  await tab.screenshot({ path: `${folder}/${name}.png` });
  console.log(`ok - ${folder}/${name}.png`);
}
await browser.close();
