// The documents' viewer: which page is in view, moving between pages, zoom, the list, search; and what was read.

import { keepReport } from "./report.js";
import { keepSearch } from "./search.js";
import { layText, readWords } from "./text.js";

const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];
const PLAIN = 3;
const NEAR = "150% 0px";
const IDLE_TEXT_PAGES = 40; // so that screen readers have all of a usual document, in view or not

/** @param {string} id */
const get = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const { grant = "", report = "", text: textUrl = "", version = "" } = document.body.dataset;
const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".page")]);
const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("#list a")]);
const field = /** @type {HTMLInputElement} */ (get("page"));
const list = get("list");
let current = 1;
let zoom = PLAIN;

const first = /** @type {HTMLImageElement} */ (sections[0].querySelector("img"));
if (first.complete) showRest();
else for (const name of ["load", "error"]) first.addEventListener(name, showRest, { once: true });

const reading = keepReport({ url: report, grant });
const search = keepSearch(
  { sections, textUrl, version, goTo },
  { bar: get("search"), field: /** @type {HTMLInputElement} */ (get("search-q")), state: get("search-state") },
);
keepView();
keepControls();
keepText();
document.body.dataset.ready = "";

function showRest() {
  document.body.dataset.first = "";
  if (location.hash.startsWith("#page-")) requestAnimationFrame(() => goTo(Number(location.hash.slice(6))));
}

function keepView() {
  /** How many pixels of each page are in view. @type {Map<HTMLElement, number>} */
  const heights = new Map();
  const steps = Array.from({ length: 21 }, (_, step) => step / 20);
  const watch = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const section = /** @type {HTMLElement} */ (entry.target);
        if (entry.isIntersecting) heights.set(section, entry.intersectionRect.height);
        else heights.delete(section);
      }
      const [best] = [...heights].sort(([one, a], [other, b]) => b - a || sections.indexOf(one) - sections.indexOf(other));
      if (best) show(Number(best[0].dataset.page));
    },
    { threshold: steps, rootMargin: `-${get("bar").offsetHeight}px 0px 0px 0px` },
  );
  for (const section of sections) watch.observe(section);
}

/** @param {number} page */
function show(page) {
  reading.turn(page);
  if (page !== current || !field.value) {
    current = page;
    if (document.activeElement !== field) field.value = String(page);
  }
  for (const link of links) {
    if (link.hash === `#page-${page}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const here = links[page - 1];
  if (here && !list.hidden) list.scrollTo({ top: here.offsetTop - list.clientHeight / 2 + here.clientHeight / 2 });
}

/** Bring a page into view, or what stands `top` (a fraction) down on it. @param {number} page @param {number} [top] */
function goTo(page, top) {
  const section = sections[Math.min(Math.max(Math.round(page) || 1, 1), sections.length) - 1];
  const box = section.getBoundingClientRect();
  const above = get("bar").offsetHeight + (get("search").hidden ? 0 : get("search").offsetHeight);
  const into = top === undefined ? -8 : top * box.height - innerHeight / 3;
  scrollTo({ top: scrollY + box.top - above + into, behavior: "instant" });
  show(Number(section.dataset.page));
}

/** @param {number} step */
function setZoom(step) {
  const before = sections[current - 1].getBoundingClientRect();
  const at = (innerHeight / 3 - before.top) / before.height;
  zoom = Math.min(Math.max(step, 0), ZOOMS.length - 1);
  document.documentElement.style.setProperty("--zoom", String(ZOOMS[zoom]));
  get("zoom-state").textContent = `${Math.round(ZOOMS[zoom] * 100)}\u00a0%`;
  for (const image of document.querySelectorAll(".page img")) {
    image.setAttribute("sizes", `calc(min(100vw, 50rem) * ${ZOOMS[zoom]})`);
  }
  const after = sections[current - 1].getBoundingClientRect();
  scrollTo({ top: scrollY + after.top + at * after.height - innerHeight / 3, behavior: "instant" });
}

/** @param {boolean} isOpen */
function setList(isOpen) {
  list.hidden = !isOpen;
  get("list-toggle").setAttribute("aria-expanded", String(isOpen));
  if (isOpen) show(current);
}

function keepControls() {
  const wide = matchMedia("(width >= 72rem)");
  setList(wide.matches && sections.length > 1);
  get("list-toggle").addEventListener("click", () => setList(Boolean(list.hidden)));
  list.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest("a");
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.hash.slice(6)));
    if (!wide.matches) setList(false);
  });
  get("go").addEventListener("submit", (event) => {
    event.preventDefault();
    goTo(Number(field.value));
    field.blur();
  });
  field.addEventListener("blur", () => (field.value = String(current)));
  get("zoom-out").addEventListener("click", () => setZoom(zoom - 1));
  get("zoom-in").addEventListener("click", () => setZoom(zoom + 1));
  get("search-toggle").addEventListener("click", () => search.open());
  addEventListener("keydown", act);
}

/** @param {KeyboardEvent} event */
function act(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") {
    event.preventDefault();
    return search.open();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input")) return;
  if (event.key === "Escape" && !list.hidden && !matchMedia("(width >= 72rem)").matches) setList(false);
  const acts = /** @type {Record<string, () => void>} */ ({
    ArrowLeft: () => goTo(current - 1),
    ArrowRight: () => goTo(current + 1),
    PageUp: () => goTo(current - 1),
    PageDown: () => goTo(current + 1),
    Home: () => goTo(1),
    End: () => goTo(sections.length),
    "+": () => setZoom(zoom + 1),
    "=": () => setZoom(zoom + 1),
    "-": () => setZoom(zoom - 1),
    0: () => setZoom(PLAIN),
    "/": () => search.open(),
  });
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

function keepText() {
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) lay(/** @type {HTMLElement} */ (target));
      }
    },
    { rootMargin: NEAR },
  );
  for (const section of sections) near.observe(section);
  const later = window.requestIdleCallback ?? setTimeout;
  first.addEventListener("load", () => later(() => sections.slice(0, IDLE_TEXT_PAGES).forEach(lay)), { once: true });
  if (first.complete) later(() => sections.slice(0, IDLE_TEXT_PAGES).forEach(lay));

  /** @param {HTMLElement} section */
  async function lay(section) {
    near.unobserve(section);
    const words = await readWords(textUrl, version, Number(section.dataset.page)).catch(() => []);
    layText(section, words);
  }
}
