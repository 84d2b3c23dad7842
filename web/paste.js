// Takes from pasted HTML what mail keeps well: words, lists, links, pictures; no fonts, colours or boxes of elsewhere.

const KEPT = new Set(["A", "B", "BLOCKQUOTE", "BR", "EM", "HR", "I", "IMG", "LI", "OL", "P", "STRONG", "U", "UL"]);
const AS_PARAGRAPH = new Set(["DIV", "H1", "H2", "H3", "H4", "H5", "H6", "PRE", "TR", "SECTION", "ARTICLE"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TITLE", "META", "LINK", "TEMPLATE", "IFRAME", "OBJECT", "NOSCRIPT"]);
const ADDRESS = /^(https?:|mailto:|tel:)/i;
const PICTURE = /^(https?:|data:image\/(png|jpeg|gif|webp);)/i;

/** Return `html` with its plain formatting only. @param {string} html */
export function cleanPasted(html) {
  const source = document.createElement("template"); // inert: nothing loads, nothing runs
  source.innerHTML = html;
  const target = document.createElement("div");
  copyInto(source.content, target);
  return target.innerHTML;
}

/** @param {Node} source @param {HTMLElement} target */
function copyInto(source, target) {
  for (const node of source.childNodes) {
    if (node instanceof Text) target.append(node.data);
    else if (node instanceof Element && !DROPPED.has(node.tagName)) copyElement(node, target);
  }
}

/** @param {Element} element @param {HTMLElement} target */
function copyElement(element, target) {
  const name = nameFor(element);
  if (name === undefined) return copyInto(element, target);
  const copy = document.createElement(name);
  if (name === "IMG" && !keepPicture(element, copy)) return;
  const href = element.getAttribute("href")?.trim() ?? "";
  if (name === "A" && ADDRESS.test(href)) copy.setAttribute("href", href);
  target.append(copy);
  copyInto(element, copy);
}

/** Return the element that stands for `element`, none where only its content counts. @param {Element} element */
function nameFor(element) {
  const style = element instanceof HTMLElement ? element.style : undefined;
  if (element.tagName === "B" && style?.fontWeight === "normal") return undefined; // Google Docs wraps all in one
  if (KEPT.has(element.tagName)) return element.tagName;
  if (element.tagName === "SPAN" && /^(bold|[6-9]00)$/.test(style?.fontWeight ?? "")) return "B";
  if (element.tagName === "SPAN" && style?.fontStyle === "italic") return "I";
  const hasBlocks = element.querySelector("p, div, ul, ol, table, blockquote, h1, h2, h3, h4, h5, h6");
  return AS_PARAGRAPH.has(element.tagName) && !hasBlocks ? "P" : undefined;
}

/** @param {Element} element @param {HTMLElement} copy */
function keepPicture(element, copy) {
  const src = element.getAttribute("src") ?? "";
  if (!PICTURE.test(src)) return false;
  copy.setAttribute("src", src);
  for (const name of ["alt", "width", "height"]) {
    const value = element.getAttribute(name);
    if (value !== null) copy.setAttribute(name, value);
  }
  return true;
}
