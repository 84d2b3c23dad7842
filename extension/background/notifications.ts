// Desktop notifications (F20). The server decides what notifies, by the member's switches; the options can silence them here.

import { readLocal } from "../lib/store";

/** Show an event of the feed. */
export async function tellEvent({ id, title, text }: { id: number; title: string; text: string }): Promise<void> {
  await show(`event-${id}`, title, text);
}

/** Show a task that is due, unless its member is told otherwise. */
export async function tellReminder({ id, name, notify }: { id: number; name: string; notify: boolean }): Promise<void> {
  if (notify) await show(`task-${id}`, name, "");
}

/** Open what notification `id` was about. */
export async function openPlace(id: string): Promise<void> {
  const pairing = await readLocal("pairing");
  chrome.notifications.clear(id);
  if (pairing) await chrome.tabs.create({ url: `${pairing.server}${id.startsWith("task-") ? "/tasks" : "/"}` });
}

async function show(id: string, title: string, message: string): Promise<void> {
  const { notifies } = await readLocal("choices");
  if (!notifies) return;
  const iconUrl = chrome.runtime.getURL("icons/128.png");
  await chrome.notifications.create(id, { type: "basic", iconUrl, title, message });
}
