// How this browser stands to its Warmline, as Gmail's page knows it: asked once, then followed.

import { ask, onNotice, type Mailbox, type Standing } from "../lib/messages";

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

/** Return the Gmail account `address` as it is linked to the server; of any other account nothing is told there. */
export function findMailbox(address: string): Mailbox | undefined {
  return standing?.mailboxes.find((mailbox) => mailbox.address.toLowerCase() === address.toLowerCase());
}

/** Call `hear` at each change until `signal` ends it. */
export function followStanding(hear: () => void, signal: AbortSignal): void {
  changes.addEventListener("change", hear, { signal });
}

function change(now: Standing): void {
  standing = now;
  changes.dispatchEvent(new Event("change"));
}
