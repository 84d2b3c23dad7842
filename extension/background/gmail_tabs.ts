// What the worker tells the content scripts of all Gmail tabs, unasked.

import type { Notice } from "../lib/messages";

/** Send `notice` to every open Gmail; a tab without our content script (yet) hears nothing, and need not. */
export async function notifyGmail(notice: Notice): Promise<void> {
  const tabs = await chrome.tabs.query({ url: "https://mail.google.com/*" });
  await Promise.allSettled(tabs.map(({ id }) => chrome.tabs.sendMessage(id ?? chrome.tabs.TAB_ID_NONE, notice)));
}
