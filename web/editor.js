// The editor of mail: formatted text in place of a text field, kept in a hidden field that the form sends.

import { insertAt, keepCaret } from "./caret.js";
import { cleanPasted } from "./paste.js";

/**
 * @typedef {object} Editor
 * @property {HTMLElement} area
 * @property {() => void} keep Write what stands in the editor into the field that the form sends.
 * @property {() => boolean} isEmpty
 * @property {(html: string) => void} insert Put HTML that the server has cleaned where the caret was last.
 * @property {(text: string) => void} write Put text where the caret was last, in the editor or a field of the form.
 * @property {(html: string) => void} show Replace everything by HTML that the server has cleaned.
 * @property {(text: string) => void} showText Replace everything by text.

 * @property {(isOn: boolean) => void} turn Show the editor, or the plain text field in its place.
 */

/** Turn the text field of `form` into an editor. @param {HTMLFormElement} form @param {boolean} isOn @returns {Editor} */
export function keepEditor(form, isOn = true) {
  const area = /** @type {HTMLElement} */ (form.querySelector("#editor"));
  const frame = /** @type {HTMLElement} */ (form.querySelector("#editor-frame"));
  const html = /** @type {HTMLInputElement} */ (form.querySelector("#html"));
  const body = /** @type {HTMLTextAreaElement} */ (form.querySelector("#body"));
  const caret = keepCaret(area);
  document.execCommand("defaultParagraphSeparator", false, "p");
  document.execCommand("styleWithCSS", false, "false");
  if (html.value) area.innerHTML = html.value; // cleaned by the server
  else showText(area, isOn ? body.value : "");
  area.addEventListener("input", keep);
  area.addEventListener("paste", (event) => paste(event));
  area.addEventListener("warmline:insert", (event) => insert(/** @type {CustomEvent<string>} */ (event).detail));
  form.addEventListener("submit", keep);
  /** @type {Editor} */
  const editor = { area, keep, isEmpty, insert, write, show, turn, showText: (text) => (showText(area, text), keep()) };
  keepToolbar(frame, editor, caret);
  turn(isOn);
  return editor;

  /** @param {boolean} isShown */
  function turn(isShown) {
    frame.hidden = !isShown;
    body.hidden = isShown;
    keep();
  }

  function isEmpty() {
    return !area.textContent?.trim() && !area.querySelector("img, hr");
  }

  function keep() {
    html.value = frame.hidden || isEmpty() ? "" : tidy(area);
    if (!frame.hidden) body.value = "";
  }

  /** @param {string} given */
  function insert(given) {
    const range = caret.restore();
    if (range) insertAt(area, range, given);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {string} text */
  function write(text) {
    const field = caret.field();
    if (field) {
      field.focus();
      field.setRangeText(text, field.selectionStart ?? 0, field.selectionEnd ?? 0, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    caret.restore();
    document.execCommand("insertText", false, text);
    keep();
  }

  /** @param {string} given */
  function show(given) {
    area.innerHTML = given;
    keep();
  }

  /** @param {ClipboardEvent} event */
  function paste(event) {
    const given = event.clipboardData?.getData("text/html");
    if (!given) return; // plain text, and pictures: the browser does it right
    event.preventDefault();
    document.execCommand("insertHTML", false, cleanPasted(given));
    keep();
  }
}

/** Write `text` into the editor, one paragraph for each block of lines. @param {HTMLElement} area @param {string} text */
function showText(area, text) {
  area.replaceChildren(
    ...text.split(/\n\s*\n/).map((block) => {
      const paragraph = document.createElement("p");
      block.split("\n").forEach((line, index) => {
        if (index) paragraph.append(document.createElement("br"));
        paragraph.append(line);
      });
      if (!block) paragraph.append(document.createElement("br")); // else the caret stands outside of it
      return paragraph;
    }),
  );
}

/** Return the editor's HTML without the paragraphs that browsers leave around lists and quotes. @param {HTMLElement} area */
function tidy(area) {
  const copy = /** @type {HTMLElement} */ (area.cloneNode(true));
  for (const paragraph of copy.querySelectorAll("p:has(> ul, > ol, > blockquote)")) {
    paragraph.replaceWith(...paragraph.childNodes);
  }
  return copy.innerHTML;
}

/** @param {HTMLElement} frame @param {Editor} editor @param {ReturnType<typeof keepCaret>} caret */
function keepToolbar(frame, editor, caret) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...frame.querySelectorAll("[data-command]")]);
  const openLink = keepLinkDialog(editor, caret);
  for (const button of buttons) {
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays in the editor
    button.addEventListener("click", () => run(button.dataset.command ?? ""));
  }
  for (const button of frame.querySelectorAll("[data-field]")) {
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      editor.write(`{{${/** @type {HTMLElement} */ (button).dataset.field}}}`);
      button.closest("details")?.removeAttribute("open");
    });
  }
  moveByArrows(/** @type {HTMLElement} */ (frame.querySelector("[role=toolbar]")));
  document.addEventListener("selectionchange", showState);
  editor.area.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    openLink();
  });

  /** @param {string} command */
  function run(command) {
    if (command === "link") return openLink();
    caret.restore();
    if (command === "quote") document.execCommand("formatBlock", false, isInQuote(editor.area) ? "p" : "blockquote");
    else document.execCommand(command);
    editor.keep();
    showState();
  }

  function showState() {
    if (!editor.area.contains(document.getSelection()?.anchorNode ?? null)) return;
    for (const button of buttons) {
      if (!button.hasAttribute("aria-pressed")) continue;
      button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.command ?? "")));
    }
  }
}

/** One stop of the tab key for the whole toolbar, arrows inside (ARIA Authoring Practices). @param {HTMLElement} toolbar */
function moveByArrows(toolbar) {
  const stops = () => /** @type {HTMLElement[]} */ ([...toolbar.querySelectorAll("[data-stop]")]);
  stops().forEach((stop, index) => (stop.tabIndex = index ? -1 : 0));
  toolbar.addEventListener("keydown", (event) => {
    const all = stops();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: all.length - 1 - at }[event.key];
    if (event.key === "Escape") closeMenus(toolbar);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    for (const stop of all) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
  });
  toolbar.addEventListener("focusout", (event) => {
    if (!toolbar.contains(/** @type {Node | null} */ (event.relatedTarget))) closeMenus(toolbar);
  });
}

/** @param {HTMLElement} toolbar */
function closeMenus(toolbar) {
  for (const menu of toolbar.querySelectorAll("details[open]")) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary")?.focus();
    menu.removeAttribute("open");
  }
}

/** @param {HTMLElement} area */
function isInQuote(area) {
  const node = document.getSelection()?.anchorNode;
  const element = node instanceof Element ? node : node?.parentElement;
  const quote = element?.closest("blockquote");
  return Boolean(quote && area.contains(quote));
}

/** @param {Editor} editor @param {ReturnType<typeof keepCaret>} caret */
function keepLinkDialog(editor, caret) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("link-dialog"));
  const url = /** @type {HTMLInputElement} */ (document.getElementById("link-url"));

  dialog.querySelector("[data-link=apply]")?.addEventListener("click", apply);
  dialog.querySelector("[data-link=cancel]")?.addEventListener("click", () => dialog.close());
  url.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") {
      event.preventDefault(); // else Enter would send the mail
      apply();
    }
  });
  return function open() {
    url.value = findLink(caret.range())?.getAttribute("href") ?? "";
    dialog.showModal();
  };

  function apply() {
    const target = url.value.trim();
    if (target && !url.checkValidity()) return url.reportValidity();
    dialog.close();
    caret.restore();
    if (!target) document.execCommand("unlink");
    else if (caret.range()?.collapsed === false) document.execCommand("createLink", false, target);
    else insertLink(target);
    editor.keep();
    url.value = "";
  }
}

/** @param {string} target */
function insertLink(target) {
  const link = document.createElement("a");
  link.href = target;
  link.textContent = target;
  document.execCommand("insertHTML", false, link.outerHTML);
}

/** @param {Range | undefined} range */
function findLink(range) {
  const node = range?.startContainer;
  const element = node instanceof Element ? node : node?.parentElement;
  return element?.closest("a");
}
