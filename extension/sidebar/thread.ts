// The thread that the tab beside or around this page shows, as the content script told the worker.

import { onStored, readSession } from "../lib/store";
import type { OpenThread } from "../lib/messages";

export interface Thread {
  isThere: () => boolean;
  /** The address of the server's partial about it. */
  path: () => string;
}

/** Call `change` when another thread is shown, or none. */
export function keepThread(change: (isThere: boolean) => void): Thread {
  let thread: OpenThread | null = null;
  onStored(["threads"], () => void look());
  chrome.tabs.onActivated.addListener(() => void look());
  void look();

  async function look(): Promise<void> {
    const threads = await readSession("threads");
    const found = threads[await findTab()] ?? null;
    if (JSON.stringify(found) === JSON.stringify(thread)) return;
    thread = found;
    change(thread !== null);
  }

  return { isThere: () => thread !== null, path: () => (thread ? pathOf(thread) : "") };
}

/** Return the tab that this page stands in, or as a side panel beside. */
async function findTab(): Promise<number> {
  const around = await chrome.tabs.getCurrent();
  const [beside] = around ? [around] : await chrome.tabs.query({ active: true, currentWindow: true });
  return beside?.id ?? chrome.tabs.TAB_ID_NONE;
}

function pathOf({ gmailThreadId, mailbox, addresses }: OpenThread): string {
  const query = new URLSearchParams({ gmail_thread_id: gmailThreadId, mailbox });
  for (const address of addresses.slice(0, 20)) query.append("addresses", address);
  return `/extension/thread?${query}`;
}
