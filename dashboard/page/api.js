// SPDX-License-Identifier: MIT
// Questions to the dashboard's API. A token, where one is asked for, lives as long as the tab.

const ANSWER_MS = 10_000; // a server that hangs is told from one that answers late
const TOKEN = "leat-token";

/** What went wrong, for people. `status` is 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    throw new Problem(0, "the dashboard does not answer");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(
    answer.status,
    [problem.title, problem.detail].filter(Boolean).join(": ") ||
      `status ${answer.status}`,
  );
}

/** GET as JSON. Throws a Problem. */
export async function read(path) {
  const answer = await ask(path, { headers: { Accept: "application/json" } });
  return answer.json().catch(() => {
    throw new Problem(0, "the dashboard's answer broke off");
  });
}

let tokenComing = null; // one dialog, however many wait for it

/** Ask for the token; null when the reader does not give one. */
function tokenAsked(why) {
  const dialog = document.getElementById("token");
  const input = document.getElementById("token-value");
  document.getElementById("token-why").textContent = why;
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "send" && input.value ? input.value : null),
      { once: true },
    );
  });
}

function send(method, path) {
  const token = sessionStorage.getItem(TOKEN);
  return ask(path, {
    method,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
}

/** POST or DELETE, with the token where it is needed. Throws a Problem; returns false when the
 *  reader was asked for the token and went away from it. */
export async function write(method, path) {
  for (;;) {
    try {
      await send(method, path);
      return true;
    } catch (problem) {
      if (problem.status !== 401) throw problem;
    }
    tokenComing ??= tokenAsked(
      sessionStorage.getItem(TOKEN)
        ? "This was not the token."
        : "This dashboard takes changes only with its token.",
    ).finally(() => (tokenComing = null));
    const token = await tokenComing;
    if (token === null) return false;
    sessionStorage.setItem(TOKEN, token);
  }
}
