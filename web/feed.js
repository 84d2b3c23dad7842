// The list of the feed: each row once, at its place, without moving what is being read; days as headings, repeats folded.

import htmx from "htmx.org";
import { foldRepeats, keepFolds } from "./repeats.js";
import { keepSeen } from "./seen.js";
import { openStream } from "./stream.js";
import { tellDay, tellTimes } from "./time.js";

const ANNOUNCE_MS = 1000;
const FEED_TOP_PX = 80;

/** Follow the live stream, for the feed while the page shows one, and else for the page's own topics only. */
export function keepFeed() {
  if (!document.body.hasAttribute("data-member")) return;
  /** @type {HTMLElement | null | undefined} */
  let shown;
  let stop = new AbortController();
  follow();
  document.addEventListener("htmx:afterSettle", follow); // a tab, a search or a switch may have put another in its place
  document.addEventListener("warmline:floated", follow);

  function follow() {
    const feed = document.getElementById("feed");
    if (feed) markRows();
    if (feed === shown) return;
    shown = feed;
    stop.abort();
    stop = new AbortController();
    openStream(feed ? makeView(feed, stop.signal) : { lastId: 0 }, stop.signal);
  }
}

/** @param {HTMLElement} feed @param {AbortSignal} signal */
function makeView(feed, signal) {
  const { of = "", machine = "", q = "", rows = "" } = feed.dataset;
  if ("faulty" in feed.dataset) return { lastId: 0, onState: showState };
  keepPill(signal);
  keepFolds(feed, signal);
  const view = {
    lastId: Number(list().dataset.lastId),
    ask: { of, machine, q },
    onRow: addRow,
    onChange: changeRow,
    async onReload() {
      await htmx.ajax("get", rows, { target: "#feed-rows", swap: "morph:outerHTML" });
      view.lastId = Number(list().dataset.lastId);
    },
    onState: showState,
  };
  if (!of && !q) keepSeen(() => view.lastId, signal);
  return view;
}

/** @param {string} state */
function showState(state) {
  const place = /** @type {HTMLElement} */ (document.getElementById("stream-state"));
  place.dataset.state = state;
  place.textContent = place.dataset[state] ?? "";
}

function list() {
  return /** @type {HTMLElement} */ (document.getElementById("feed-rows"));
}

/** @param {string} html */
function addRow(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = /** @type {HTMLElement} */ (template.content.firstElementChild);
  if (document.getElementById(row.id)) return;
  const place = findPlace(row);
  if (place === null) return; // older than everything shown, and there is an older page
  row.classList.add("row-new");
  insertQuietly(row, place);
  htmx.process(row);
  tellTimes(list());
  markRows();
  announce(row);
  document.dispatchEvent(new Event("warmline:shown"));
}

/** Show a row as it is now that it was judged otherwise; without `html` it is gone. @param {number} id @param {string} [html] */
function changeRow(id, html) {
  const row = document.getElementById(`event-${id}`);
  if (!row) {
    if (html) addRow(html);
    return;
  }
  if (html) {
    const isOpen = row.querySelector(".row-verdict")?.hasAttribute("open");
    htmx.swap(row, html, { swapStyle: "morph:outerHTML", swapDelay: 0, settleDelay: 0 });
    document.getElementById(row.id)?.querySelector(".row-verdict")?.toggleAttribute("open", isOpen);
    tellTimes(list());
  } else {
    row.remove();
  }
  markRows();
}

/** Return the row before which `row` stands (at, then id, descending), undefined at the end. @param {HTMLElement} row */
function findPlace(row) {
  for (const other of /** @type {Iterable<HTMLElement>} */ (list().children)) {
    if (other.id === "feed-older") return null;
    const ages = Number(row.dataset.at) - Number(other.dataset.at) || Number(row.dataset.id) - Number(other.dataset.id);
    if (ages > 0) return other;
  }
  return undefined;
}

/** Insert without moving what stands in the window. @param {HTMLElement} row @param {Element | undefined} place */
function insertQuietly(row, place) {
  const isReading = scrollY > FEED_TOP_PX;
  const before = document.documentElement.scrollHeight;
  const isAbove = place && place.getBoundingClientRect().top <= 0;
  list().insertBefore(row, place ?? null);
  if (isReading && isAbove) {
    scrollBy({ top: document.documentElement.scrollHeight - before, behavior: "instant" });
    showPill();
  }
}

let unseen = 0;

/** @param {AbortSignal} signal */
function keepPill(signal) {
  unseen = 0;
  pill().addEventListener("click", () => scrollTo({ top: 0 }), { signal });
  addEventListener("scroll", () => scrollY <= FEED_TOP_PX && hidePill(), { passive: true, signal });
}

function pill() {
  return /** @type {HTMLElement} */ (document.getElementById("feed-pill"));
}

function showPill() {
  unseen += 1;
  pill().textContent = tellCount(unseen);
  pill().hidden = false;
}

function hidePill() {
  unseen = 0;
  pill().hidden = true;
}

/** @type {string[]} */
let toAnnounce = [];

/** Say a new row aloud; several within a second are counted. @param {HTMLElement} row */
function announce(row) {
  toAnnounce.push(row.querySelector("p")?.textContent?.replace(/\s+/g, " ").trim() ?? "");
  if (toAnnounce.length > 1) return;
  setTimeout(() => {
    const place = document.getElementById("feed-announcement"); // gone, if another tab was chosen meanwhile
    if (place) place.textContent = toAnnounce.length === 1 ? toAnnounce[0] : tellCount(toAnnounce.length);
    toAnnounce = [];
  }, ANNOUNCE_MS);
}

/** @param {number} count */
function tellCount(count) {
  const { announceOne = "", announceMany = "" } = /** @type {HTMLElement} */ (document.getElementById("feed")).dataset;
  return count === 1 ? announceOne : announceMany.replace("{count}", String(count));
}

function markRows() {
  markDays();
  foldRepeats(list());
}

/** Give the first row of each day its heading. */
function markDays() {
  let last = "";
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (list().querySelectorAll(":scope > li[data-at]"))) {
    const day = tellDay(new Date(Number(row.dataset.at) / 1000));
    if (day !== last) row.dataset.day = day;
    else delete row.dataset.day;
    last = day;
  }
}
