// Desktop notifications (F20). The server decides what notifies; here several open pages agree that one of them shows it.

import htmx from "htmx.org";

const CLAIM_MS = 15_000;
const ICON = "/static/favicon.svg";

/** Show what the stream says is worth it, and reminders also in the page; keep the settings' account of this browser. */
export function keepNotifications() {
  document.body.addEventListener("warmline:notification", (event) => {
    const { id, title, text } = /** @type {CustomEvent} */ (event).detail;
    claim(`event-${id}`, () => show(`event-${id}`, title, text, "/"));
  });
  document.body.addEventListener("warmline:reminder", (event) => {
    const { id, name, notify } = /** @type {CustomEvent} */ (event).detail;
    showReminder(id);
    if (notify) claim(`task-${id}`, () => show(`task-${id}`, name, "", "/tasks"));
  });
  document.body.addEventListener("warmline:mailbox_ending", (event) => {
    const { id } = /** @type {CustomEvent} */ (event).detail;
    const title = document.getElementById("mailbox-banner")?.dataset.ending ?? "Warmline";
    claim(`mailbox-${id}`, () => show(`mailbox-${id}`, title, "", `/mailboxes/${id}/health`));
  });
  const settings = document.getElementById("desktop");
  if (settings) keepSettings(settings);
}

/** @returns {"unsupported" | NotificationPermission} */
function permission() {
  return "Notification" in window && window.isSecureContext ? Notification.permission : "unsupported";
}

/**
 * Run `act` in one of the pages that hear of the same thing: whoever takes its lock first, and keeps it while others may come.
 * @param {string} key @param {() => void} act
 */
function claim(key, act) {
  if (permission() !== "granted") return;
  navigator.locks.request(`warmline-${key}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    act();
    await new Promise((resolve) => setTimeout(resolve, CLAIM_MS));
  });
}

/** @param {string} tag @param {string} title @param {string} body @param {string} url */
function show(tag, title, body, url) {
  const notification = new Notification(title, { body, tag: `warmline-${tag}`, icon: ICON, lang: document.documentElement.lang });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
    const isFeed = document.body.hasAttribute("data-window") || document.getElementById("feed");
    if (url !== "/" || !isFeed) open(url, document.body.hasAttribute("data-window") ? "warmline" : "_self");
  });
}

/** Put a task's reminder into the page, once. @param {number} id */
export function showReminder(id) {
  if (document.getElementById(`task-reminder-${id}`)) return;
  htmx.ajax("get", `/tasks/${id}/reminder`, { target: "#toasts", swap: "beforeend" });
}

/** @param {HTMLElement} settings */
function keepSettings(settings) {
  tell(settings);
  settings.querySelector("[data-allow]")?.addEventListener("click", async () => {
    await Notification.requestPermission();
    tell(settings);
  });
  settings.querySelector("[data-try]")?.addEventListener("click", (event) => {
    const text = /** @type {HTMLElement} */ (event.currentTarget).dataset.try ?? "";
    show("try", "Warmline", text, "/");
  });
}

/** Show of the settings what holds in this browser. @param {HTMLElement} settings */
function tell(settings) {
  settings.dataset.permission = permission();
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (settings.querySelectorAll("[data-when]"))) {
    part.hidden = part.dataset.when !== permission();
  }
}
