// Search in the text of all pages: counts as it finds, marks the words, and goes from one to the next.

import { findWords, fold, readWords } from "./text.js";

const PAUSE_MS = 200;
const MOST = 500;

/** @typedef {import("./text.js").Word} Word */

/**
 * @param {{sections: HTMLElement[], textUrl: string, version: string, goTo: (page: number, top?: number) => void}} viewer
 * @param {{bar: HTMLElement, field: HTMLInputElement, state: HTMLElement}} parts
 */
export function keepSearch({ sections, textUrl, version, goTo }, { bar, field, state }) {
  /** @type {{page: number, words: Word[]}[]} */
  let found = [];
  let at = -1;
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  /** @type {Element | null} */
  let before = null;

  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(look, PAUSE_MS);
  });
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    step(1);
  });
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      step(-1);
    }
  });
  bar.querySelector("[data-previous]")?.addEventListener("click", () => step(-1));
  bar.querySelector("[data-next]")?.addEventListener("click", () => step(1));
  bar.querySelector("[data-close]")?.addEventListener("click", close);
  return { open };

  function open() {
    if (bar.hidden) before = document.activeElement;
    bar.hidden = false;
    field.focus();
    field.select();
  }

  function close() {
    bar.hidden = true;
    turn += 1;
    found = [];
    clear();
    if (before instanceof HTMLElement) before.focus();
  }

  async function look() {
    const mine = ++turn;
    const wanted = fold(field.value.trim().replace(/\s+/g, " "));
    found = [];
    at = -1;
    clear();
    if (!wanted) return say("");
    for (let page = 1; page <= sections.length && found.length < MOST; page++) {
      const words = await readWords(textUrl, version, page).catch(() => []);
      if (mine !== turn) return;
      const here = findWords(words, wanted).map((match) => ({ page, words: match }));
      found.push(...here);
      mark(page, here);
      if (here.length && at === -1) step(1);
    }
    tell();
  }

  /** @param {number} by */
  function step(by) {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    const { page, words } = found[at];
    goTo(page, words[0][2]);
    for (const old of document.querySelectorAll(".mark-now")) old.classList.remove("mark-now");
    for (const box of document.querySelectorAll(`[data-match="${at}"]`)) box.classList.add("mark-now");
    tell();
  }

  function tell() {
    const { none = "", some = "" } = state.dataset;
    say(found.length ? some.replace("{at}", String(at + 1)).replace("{count}", String(found.length)) : none);
  }

  /** @param {string} words */
  function say(words) {
    state.textContent = words;
  }

  /** @param {number} page @param {{words: Word[]}[]} here */
  function mark(page, here) {
    const layer = /** @type {HTMLElement} */ (sections[page - 1].querySelector(".marks"));
    for (const match of here) {
      for (const [, x, y, width, height] of match.words) {
        const box = document.createElement("i");
        box.dataset.match = String(found.indexOf(/** @type {any} */ (match)));
        box.style.left = `${x * 100}%`;
        box.style.top = `${y * 100}%`;
        box.style.width = `${width * 100}%`;
        box.style.height = `${height * 100}%`;
        layer.append(box);
      }
    }
  }

  function clear() {
    for (const layer of document.querySelectorAll(".marks")) layer.replaceChildren();
  }
}
