// The compose page: the editor, its templates and signature, and the switch to text only.

import { keepAttachments } from "./attachments.js";
import { keepEditor } from "./editor.js";
import { keepPicker } from "./picker.js";
import { keepSignature } from "./signature.js";
import { keepUploads } from "./upload.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("compose"));
if (form) keepCompose(form);

/** @param {HTMLFormElement} form */
function keepCompose(form) {
  const body = /** @type {HTMLTextAreaElement} */ (form.querySelector("#body"));
  const isPlain = /** @type {HTMLInputElement} */ (form.elements.namedItem("is_plain"));
  const editor = keepEditor(form, !isPlain.checked);
  keepSignature(form, editor);
  keepPicker(form, editor);
  keepUploads();
  keepAttachments(form);
  let carried = "";
  isPlain.addEventListener("change", () => switchMode());
  disableTracking();
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  /** Show the text field or the editor, with what the other held; formatting survives a look at the text. */
  function switchMode() {
    if (isPlain.checked) body.value = carried = editor.area.innerText.trim();
    else if (body.value !== carried) editor.showText(body.value);
    editor.turn(!isPlain.checked);
    disableTracking();
  }

  function disableTracking() {
    for (const name of ["track_views", "track_clicks"]) {
      /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).disabled = isPlain.checked;
    }
  }
}
