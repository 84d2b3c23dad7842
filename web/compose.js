// The compose editor: formatted text in place of the text field, kept in a hidden field that the form sends.

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("compose"));
if (form) keepEditor(form);

/** @param {HTMLFormElement} form */
function keepEditor(form) {
  const editor = /** @type {HTMLElement} */ (document.getElementById("editor"));
  const frame = /** @type {HTMLElement} */ (document.getElementById("editor-frame"));
  const html = /** @type {HTMLInputElement} */ (document.getElementById("html"));
  const body = /** @type {HTMLTextAreaElement} */ (document.getElementById("body"));
  const isPlain = /** @type {HTMLInputElement} */ (form.elements.namedItem("is_plain"));

  let carried = "";
  document.execCommand("defaultParagraphSeparator", false, "p");
  document.execCommand("styleWithCSS", false, "false");
  if (html.value) editor.innerHTML = html.value; // cleaned by the server
  else showText(editor, isPlain.checked ? "" : body.value);
  isPlain.addEventListener("change", () => switchMode(true));
  switchMode(false);
  editor.addEventListener("input", keepHtml);
  form.addEventListener("submit", (event) => {
    keepHtml();
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  keepToolbar(frame, editor, keepHtml);

  function keepHtml() {
    const isEmpty = !editor.textContent?.trim() && !editor.querySelector("img, hr");
    html.value = isPlain.checked || isEmpty ? "" : tidy(editor);
    if (!isPlain.checked) body.value = "";
  }

  /** Show the text field or the editor, with what the other held; formatting survives a look at the text. @param {boolean} carries */
  function switchMode(carries) {
    if (carries && isPlain.checked) body.value = carried = editor.innerText.trim();
    if (carries && !isPlain.checked && body.value !== carried) showText(editor, body.value);
    body.hidden = !isPlain.checked;
    frame.hidden = isPlain.checked;
    for (const name of ["track_views", "track_clicks"]) {
      /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).disabled = isPlain.checked;
    }
    keepHtml();
  }
}

/** Write `text` into the editor, one paragraph for each block of lines. @param {HTMLElement} editor @param {string} text */
function showText(editor, text) {
  editor.replaceChildren(
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

/** Return the editor's HTML without the paragraphs that browsers leave around lists and quotes. @param {HTMLElement} editor */
function tidy(editor) {
  const copy = /** @type {HTMLElement} */ (editor.cloneNode(true));
  for (const paragraph of copy.querySelectorAll("p:has(> ul, > ol, > blockquote)")) {
    paragraph.replaceWith(...paragraph.childNodes);
  }
  return copy.innerHTML;
}

/** @param {HTMLElement} frame @param {HTMLElement} editor @param {() => void} keepHtml */
function keepToolbar(frame, editor, keepHtml) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (frame.querySelectorAll("[data-command]"));
  const openLink = keepLinkDialog(editor, keepHtml);
  for (const button of buttons) {
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays in the editor
    button.addEventListener("click", () => {
      const command = button.dataset.command ?? "";
      if (command === "link") return openLink();
      editor.focus();
      if (command === "quote") document.execCommand("formatBlock", false, isInQuote(editor) ? "p" : "blockquote");
      else document.execCommand(command);
      keepHtml();
      showState();
    });
  }
  document.addEventListener("selectionchange", showState);

  function showState() {
    if (!editor.contains(document.getSelection()?.anchorNode ?? null)) return;
    for (const button of buttons) {
      if (!button.hasAttribute("aria-pressed")) continue;
      button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.command ?? "")));
    }
  }
}

/** @param {HTMLElement} editor */
function isInQuote(editor) {
  const node = document.getSelection()?.anchorNode;
  const element = node instanceof Element ? node : node?.parentElement;
  const quote = element?.closest("blockquote");
  return Boolean(quote && editor.contains(quote));
}

/** @param {HTMLElement} editor @param {() => void} keepHtml */
function keepLinkDialog(editor, keepHtml) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("link-dialog"));
  const url = /** @type {HTMLInputElement} */ (document.getElementById("link-url"));
  /** @type {Range | undefined} */
  let range;

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
    const selection = document.getSelection();
    range = selection?.rangeCount && editor.contains(selection.anchorNode) ? selection.getRangeAt(0) : undefined;
    url.value = findLink(range)?.getAttribute("href") ?? "";
    dialog.showModal();
  };

  function apply() {
    const target = url.value.trim();
    if (target && !url.checkValidity()) return url.reportValidity();
    dialog.close();
    editor.focus();
    if (range) {
      const selection = document.getSelection();
      selection?.removeAllRanges();
      selection?.addRange(range);
    }
    if (!target) document.execCommand("unlink");
    else if (range?.collapsed === false) document.execCommand("createLink", false, target);
    else insertLink(target);
    keepHtml();
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
