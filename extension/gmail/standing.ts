// How this browser stands to its Warmline, as Gmail's page knows it: asked once, then followed.

import { ask, onNotice, type Standing } from "../lib/messages";

let standing: Standing | null = null;
const changes = new EventTarget();

/** Begin to follow how things stand. */
export async function keepStanding(signal: AbortSignal): Promise<void> {
  onNotice("standingChanged", ({ standing: now }) => change(now), signal);
  const answer = await ask("readStanding", {});
  if (answer.ok) change(answer.value);
}

/** Return how things stand, or null while nothing is known yet. */
export function readStanding(): Standing | null {
  return standing;
}

/** Call `hear` at each change until `signal` ends it. */
export function followStanding(hear: () => void, signal: AbortSignal): void {
  changes.addEventListener("change", hear, { signal });
}

function change(now: Standing): void {
  standing = now;
  changes.dispatchEvent(new Event("change"));
}
