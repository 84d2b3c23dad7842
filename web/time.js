// Times in words: every `<time data-relative>` says how long ago, in the page's language, with the exact local time beside.

const UNITS = /** @type {const} */ ([
  ["year", 31_536_000],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
]);
const REFRESH_MS = 20_000;
const language = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });

/** Keep the times of the page true while it stays open. */
export function keepTimes() {
  tellTimes(document);
  setInterval(() => tellTimes(document), REFRESH_MS);
  document.addEventListener("htmx:load", (event) => tellTimes(/** @type {Element} */ (event.target)));
}

/** Write the times inside `root` in words. @param {ParentNode} root */
export function tellTimes(root) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const time = new Date(/** @type {HTMLTimeElement} */ (element).dateTime);
    setText(element, tellDistance(time, Date.now(), element.hasAttribute("data-ahead")));
    element.setAttribute("title", exact.format(time));
  }
}

/**
 * Return "5 min. ago" or the like; only a time that may lie ahead is ever told as such, for clocks differ.
 * @param {Date} time @param {number} nowMs @param {boolean} mayBeAhead
 */
function tellDistance(time, nowMs, mayBeAhead) {
  const distance = (time.getTime() - nowMs) / 1000;
  const seconds = mayBeAhead ? distance : Math.min(0, distance);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return unit === "second" && Math.abs(seconds) < 10 ? relative.format(0, "second") : relative.format(Math.trunc(seconds / size), unit);
}

/** Return the day of `time` as a heading: today, yesterday, or its date. @param {Date} time */
export function tellDay(time) {
  const midnight = new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
  const today = new Date();
  const days = Math.round((midnight - new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime()) / 86_400_000);
  const words = days > -2 ? new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day") : day.format(time);
  return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
