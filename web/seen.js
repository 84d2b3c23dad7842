// How far the member has seen their feed: said to the server while it can be seen, for the badge of the extension.

import { noteSeen } from "./stream.js";

const PAUSE_MS = 1000;

/** Say how far a feed is shown, now, when it shows more and when it comes into sight. @param {() => number} readLastId @param {AbortSignal} signal */
export function keepSeen(readLastId, signal) {
  let said = -1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  wait();
  document.addEventListener("visibilitychange", wait, { signal });
  document.addEventListener("warmline:shown", wait, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));

  function wait() {
    timer ??= setTimeout(tell, PAUSE_MS);
  }

  function tell() {
    timer = undefined;
    const lastId = readLastId();
    if (document.visibilityState !== "visible" || lastId <= said) return;
    said = lastId;
    noteSeen(lastId);
  }
}
