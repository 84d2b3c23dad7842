// The service worker: what wakes it. It may be stopped at any moment, so everything it knows is in lib/store.

import "@inboxsdk/core/background";
import { closeStore, onStored } from "../lib/store";
import { followStream, LOOK_ALARM, keepLooking } from "./listening";
import { openPlace } from "./notifications";
import { answer } from "./requests";
import { dropAccess, refreshStanding, showStanding } from "./standing";
import { forgetTab } from "./threads";
import type { Request } from "../lib/messages";

chrome.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") void chrome.runtime.openOptionsPage();
  void start();
});
chrome.runtime.onStartup.addListener(() => void start());
chrome.runtime.onMessage.addListener((message: Request, sender, respond) => answer(message, sender, respond));
chrome.alarms.onAlarm.addListener(({ name }) => {
  if (name === LOOK_ALARM) void followStream();
});
chrome.tabs.onRemoved.addListener((tabId) => void forgetTab(tabId));
chrome.permissions.onRemoved.addListener(() => void dropAccess());
chrome.notifications.onClicked.addListener((id) => void openPlace(id));

onStored(["pairing"], () => void followStream());

/** The browser was started, or the extension installed or updated. */
async function start(): Promise<void> {
  await showStanding();
  await refreshStanding();
}

/** Whatever woke the worker: the browser may have forgotten what it was told, and the worker listens while it lives. */
async function wake(): Promise<void> {
  await closeStore();
  await chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: true });
  await keepLooking();
  await followStream();
}

void wake();
