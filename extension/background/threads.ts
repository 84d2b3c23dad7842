// Which thread each tab shows: the sidebar follows it, and the server knows that a view just now is the member's own (T12).

import { callServer } from "../lib/api";
import { readLocal, readSession, writeSession } from "../lib/store";
import type { OpenThread } from "../lib/messages";

type Threads = Record<string, OpenThread>;

/** Remember that tab `tabId` shows `thread`, and say so to the server. */
export async function openThread(tabId: number, thread: OpenThread): Promise<void> {
  await change((threads) => ({ ...threads, [tabId]: thread }));
  const pairing = await readLocal("pairing");
  if (!pairing?.token) return;
  await callServer(pairing, "/extension/thread-openings", { json: { gmail_thread_id: thread.gmailThreadId } });
}

/** Forget the thread of tab `tabId`, which shows none any more or is gone; with `gmailThreadId`, only if it is that one. */
export async function forgetTab(tabId: number, gmailThreadId?: string): Promise<void> {
  await change(({ [tabId]: gone, ...threads }) => {
    const isOther = gone && gmailThreadId !== undefined && gone.gmailThreadId !== gmailThreadId;
    return isOther ? { ...threads, [tabId]: gone } : threads;
  });
}

let last: Promise<void> = Promise.resolve();

/** Change what is stored, one change after the other: two tabs may open at once. */
function change(act: (threads: Threads) => Threads): Promise<void> {
  last = last.then(async () => writeSession({ threads: act(await readSession("threads")) }));
  return last;
}
