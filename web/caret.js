// Where the caret of the editor is, also while a menu or a dialog has the focus, and what is put there.

/** Remember where the caret was last: in the editor, or in a field that takes merge fields too. @param {HTMLElement} area */
export function keepCaret(area) {
  /** @type {Range | undefined} */
  let range;
  /** @type {HTMLInputElement | undefined} */
  let field;
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (selection?.rangeCount && area.contains(selection.anchorNode)) range = selection.getRangeAt(0).cloneRange();
  });
  area.closest("form")?.addEventListener("focusin", (event) => {
    const at = /** @type {HTMLElement} */ (event.target);
    if (at === area) field = undefined;
    else if (at instanceof HTMLInputElement && at.name === "subject") field = at;
  });
  return { field: () => field, range: () => range, restore };

  function restore() {
    area.focus();
    const selection = document.getSelection();
    if (!selection) return undefined;
    if (!range || !area.contains(range.startContainer)) {
      range = document.createRange();
      range.selectNodeContents(area);
      range.collapse(true);
    }
    selection.removeAllRanges();
    selection.addRange(range);
    return range;
  }
}

/**
 * Put `html` at `range`: words where the caret is, paragraphs below those of the caret, and never into the signature.
 * Not by `insertHTML`, which gives styles to what it inserts: our pages allow none.
 * @param {HTMLElement} area @param {Range} range @param {string} html
 */
export function insertAt(area, range, html) {
  const given = document.createElement("template");
  given.innerHTML = html; // cleaned by the server
  const nodes = [...given.content.childNodes];
  const isText = !given.content.querySelector("p, div, ul, ol, blockquote, table, pre, h1, h2, h3, h4, h5, h6, hr");
  let block = /** @type {Node | null} */ (range.startContainer);
  while (block && block.parentNode !== area) block = block === area ? null : block.parentNode;
  if (isText && block) {
    range.deleteContents();
    range.insertNode(given.content);
  } else {
    const place = /** @type {ChildNode | null} */ (block ?? area.childNodes[range.startOffset] ?? null);
    if (place instanceof Element && !place.textContent?.trim() && !place.querySelector("img")) place.replaceWith(...nodes);
    else if (!place) area.append(...nodes);
    else if (!block || (place instanceof Element && place.matches(".mail-signature"))) place.before(...nodes);
    else place.after(...nodes);
  }
  const last = nodes.at(-1);
  if (!last) return;
  range.selectNodeContents(last);
  range.collapse(false);
  document.getSelection()?.removeAllRanges();
  document.getSelection()?.addRange(range);
}
