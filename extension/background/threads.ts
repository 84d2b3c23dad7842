// Which thread each tab shows: the sidebar follows it, and the server knows that a view just now is the member's own (T12).

import { callServer } from "../lib/api";
import { readLocal, readSession, writeSession } from "../lib/store";
import type { OpenThread } from "../lib/messages";

/** Remember that tab `tabId` shows `thread`, and say so to the server. */
export async function openThread(tabId: number, thread: OpenThread): Promise<void> {
  const threads = await readSession("threads");
  await writeSession({ threads: { ...threads, [tabId]: thread } });
  const pairing = await readLocal("pairing");
  if (!pairing?.token) return;
  await callServer(pairing, "/extension/thread-openings", { json: { gmail_thread_id: thread.gmailThreadId } });
}

/** Forget the thread of tab `tabId`, which shows none any more or is gone. */
export async function forgetTab(tabId: number): Promise<void> {
  const { [tabId]: gone, ...threads } = await readSession("threads");
  if (gone) await writeSession({ threads });
}
