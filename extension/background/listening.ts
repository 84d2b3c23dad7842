// The worker's own live stream: what notifies, what is unread, and that marks may have changed.
//
// A worker is stopped when it has been idle for 30 seconds. The server's heartbeat, every 15 seconds, is written down here;
// such a call to the browser starts the 30 seconds anew (Chrome 110 and later). Where the browser stops the worker all the
// same, an alarm starts it again within a minute. No page has to be open for this, and no further permission.

import { openStream, useServer, type View } from "../../web/stream.js";
import { postForm } from "../lib/api";
import { readLocal, writeSession } from "../lib/store";
import { notifyGmail } from "./gmail_tabs";
import { tellEvent, tellReminder } from "./notifications";
import { refreshStanding } from "./standing";

export const LOOK_ALARM = "look";
const LOOK_MINUTES = 1;

let current = { token: "", stop: new AbortController() };

/** Make sure that the alarm is set, which browsers forget at an update. */
export async function keepLooking(): Promise<void> {
  if (!(await chrome.alarms.get(LOOK_ALARM))) await chrome.alarms.create(LOOK_ALARM, { periodInMinutes: LOOK_MINUTES });
}

/** Listen with the token that this browser has now; do nothing if it listens already. */
export async function followStream(): Promise<void> {
  const pairing = await readLocal("pairing");
  const token = pairing?.token ?? "";
  if (token === current.token) return;
  current.stop.abort();
  current = { token, stop: new AbortController() };
  if (!pairing || !token) return;
  useServer({
    post: (path, body) => postForm(pairing, path, body),
    readHtml: (html) => html,
  });
  openStream(VIEW, current.stop.signal);
}

const VIEW: View = {
  lastId: 0,
  onBeat: () => void writeSession({ heardAt: Date.now() }),
  onTopic(topic, detail) {
    if (topic === "notification") void tellEvent(detail as unknown as Parameters<typeof tellEvent>[0]);
    else if (topic === "reminder") void tellReminder(detail as unknown as Parameters<typeof tellReminder>[0]);
    else if (topic === "message") void notifyGmail({ type: "marksChanged" });
    if (topic === "notification" || topic === "message" || topic === "seen") countSoon();
  },
  onState(state) {
    void writeSession({ isListening: state === "live" });
    if (state === "ended") current.token = ""; // the next alarm asks again: an account can be reactivated
    if (state === "live" || state === "ended") void refreshStanding();
  },
};

let isCounting = false;

/** Ask for the number of unread events, once for all that comes within a second. */
function countSoon(): void {
  if (isCounting) return;
  isCounting = true;
  setTimeout(() => {
    isCounting = false;
    void refreshStanding();
  }, 1000);
}
