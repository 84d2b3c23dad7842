// The text layers: fetched a few pages at once, laid over the pictures for selection and screen readers, and searched.

const AT_ONCE = 20;

/**
 * A word: its line, its box as fractions of the page, and the text.
 * @typedef {[number, number, number, number, number, string]} Word
 */

/** @type {Map<number, Promise<Record<string, Word[]>>>} */
const asked = new Map();
const measure = document.createElement("canvas").getContext("2d");

/** Return the words of a page. @param {string} url @param {string} version @param {number} page @returns {Promise<Word[]>} */
export async function readWords(url, version, page) {
  const first = Math.floor((page - 1) / AT_ONCE) * AT_ONCE + 1;
  let chunk = asked.get(first);
  if (!chunk) {
    chunk = fetch(`${url}/${first}-${first + AT_ONCE - 1}?v=${version}`).then((answer) => {
      if (!answer.ok) throw new Error(`the text came as ${answer.status}`);
      return answer.json();
    });
    chunk.catch(() => asked.delete(first));
    asked.set(first, chunk);
  }
  return (await chunk)[String(page)] ?? [];
}

/** Lay the text over a page, a line at a time, once. @param {HTMLElement} section @param {Word[]} words */
export function layText(section, words) {
  const layer = /** @type {HTMLElement} */ (section.querySelector(".text"));
  if (layer.childElementCount || !words.length || !measure) return;
  const ratio = Number(section.dataset.ratio) / 1000;
  measure.font = `100px ${getComputedStyle(layer).fontFamily}`;
  const lines = document.createDocumentFragment();
  for (const line of groupLines(words)) {
    const span = document.createElement("span");
    const text = line.map((word) => word[5]).join(" ");
    const left = Math.min(...line.map((word) => word[1]));
    const top = Math.min(...line.map((word) => word[2]));
    const right = Math.max(...line.map((word) => word[1] + word[3]));
    const bottom = Math.max(...line.map((word) => word[2] + word[4]));
    const size = (bottom - top) * ratio * 0.8; // of the page's width
    const natural = (measure.measureText(text).width / 100) * size;
    span.textContent = text;
    span.style.left = `${left * 100}%`;
    span.style.top = `${top * 100}%`;
    span.style.fontSize = `${size * 100}cqw`;
    span.style.lineHeight = `${(bottom - top) * ratio * 100}cqw`;
    span.style.transform = `scaleX(${natural ? (right - left) / natural : 1})`;
    lines.append(span);
  }
  layer.append(lines);
}

/** @param {Word[]} words */
function groupLines(words) {
  /** @type {Word[][]} */
  const lines = [];
  let last = -1;
  for (const word of words) {
    if (word[0] !== last) lines.push([]);
    last = word[0];
    lines[lines.length - 1].push(word);
  }
  return lines;
}

/** Return `text` as a search compares it. @param {string} text */
export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Return each place of `wanted`, folded, as the range of words that hold it. @param {Word[]} words @param {string} wanted */
export function findWords(words, wanted) {
  const starts = [];
  let text = "";
  for (const word of words) {
    starts.push(text.length);
    text += `${fold(word[5])} `;
  }
  const found = [];
  for (let at = text.indexOf(wanted); at !== -1 && wanted; at = text.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    const first = starts.findLastIndex((start) => start <= at);
    found.push(words.slice(first, Math.max(first + 1, starts.findLastIndex((start) => start < end) + 1)));
  }
  return found;
}
