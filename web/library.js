// The pages of the library: the editor, and the mail in its frame beside it.

import { keepEditor } from "./editor.js";
import { keepPicker } from "./picker.js";
import { keepUploads } from "./upload.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("template-form"));
if (form?.querySelector("#editor")) {
  keepPicker(form, keepEditor(form));
  keepUploads();
}
if (form) keepPreview(form);
for (const button of document.querySelectorAll("[data-without-script]")) button.remove();

/** Show the mail in its frame, anew whenever the preview beside the editor is. @param {HTMLFormElement} form */
function keepPreview(form) {
  const sender = /** @type {HTMLFormElement | null} */ (document.getElementById("preview-mail-form"));
  if (!sender) return;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const detail = /** @type {CustomEvent} */ (event).detail;
    if (detail.elt?.id === "preview" || detail.target?.id === "preview") show();
  });
  show();

  /** A new frame each time, so that looking on adds no step to go back. */
  function show() {
    const frame = document.querySelector("iframe[name=preview-mail]");
    if (!frame) return;
    frame.replaceWith(frame.cloneNode());
    sender?.replaceChildren(
      ...[...new FormData(form)].map(([name, value]) => {
        const field = document.createElement("input");
        [field.type, field.name, field.value] = ["hidden", name, String(value)];
        return field;
      }),
    );
    sender?.submit();
  }
}
