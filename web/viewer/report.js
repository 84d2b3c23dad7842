// Tells the server what the clock counted: soon after a page is turned, every few seconds, and when the tab goes away.

import { ReadingClock } from "./clock.js";

const TICK_MS = 1000;
const EVERY_MS = 5000;
const SEEN_MS = 1000; // less than that was no look at the document
const TURN_MS = 300;
const OVER = [400, 403, 404, 410];

/**
 * Follow the reader. `onPage` lets the caller say which page is in view.
 * @param {{url: string, grant: string}} where
 * @returns {{turn: (page: number) => void}}
 */
export function keepReport({ url, grant }) {
  const clock = new ReadingClock({ now: () => performance.now(), wall: () => Date.now() });
  /** What was counted of each page when the server last took a report. @type {Map<number, number>} */
  const taken = new Map();
  let sequence = 0;
  let sentAt = -EVERY_MS;
  let isTold = true; // whether the server knows the page in view, and that it is
  let isOver = !grant;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let turning;

  const look = () => {
    const wasVisible = clock.isVisible;
    clock.look(document.visibilityState === "visible", document.hasFocus());
    if (clock.isVisible) touch();
    if (wasVisible === clock.isVisible) return;
    isTold = false;
    if (wasVisible) send(true);
    else sendSoon();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
  addEventListener("blur", look);
  addEventListener("pagehide", () => {
    clock.look(false, false);
    send(true);
  });
  addEventListener("pageshow", look);
  for (const name of ["scroll", "pointermove", "pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(name, touch, { passive: true, capture: true });
  }
  setInterval(tick, TICK_MS);
  look();
  return { turn };

  function touch() {
    if (!clock.touch()) return;
    taken.clear();
    sequence = 0;
  }

  /** @param {number} page */
  function turn(page) {
    if (page === clock.page) return;
    clock.show(page);
    isTold = false;
    sendSoon();
  }

  function sendSoon() {
    clearTimeout(turning);
    turning = setTimeout(send, TURN_MS);
  }

  function tick() {
    clock.settle();
    const isDue = performance.now() - sentAt >= EVERY_MS - TICK_MS / 2;
    const isFirst = !sequence && clock.total >= SEEN_MS;
    if (isFirst || isDue) send();
  }

  async function send(isLast = false) {
    clock.settle();
    const changed = [...clock.ms].filter(([page, ms]) => Math.floor(ms) > (taken.get(page) ?? 0));
    if (isOver || clock.total < SEEN_MS || (isTold && !changed.length)) return;
    const { part } = clock;
    const ms = Object.fromEntries(changed.map(([page, time]) => [page, Math.floor(time)]));
    const said = { grant, part, sequence: sequence++, page: clock.page, open: clock.isVisible, ms };
    sentAt = performance.now();
    isTold = true;
    const body = JSON.stringify(said);
    if (isLast && navigator.sendBeacon(url, body)) return;
    const answer = await fetch(url, { method: "POST", body }).catch(() => undefined);
    if (answer && OVER.includes(answer.status)) isOver = true;
    if (!answer?.ok) isTold = false; // said again, with what has come to it, when it is time
    if (!answer?.ok || part !== clock.part) return;
    for (const [page, time] of Object.entries(ms)) taken.set(Number(page), Math.max(time, taken.get(Number(page)) ?? 0));
  }
}
