// The pages of documents: uploads, and copying a link's address.

import { keepUploads } from "./upload.js";

keepUploads();
showCopies();
document.body.addEventListener("htmx:afterSettle", showCopies);
document.addEventListener("click", copy);

/** Buttons that copy stand there hidden, for whoever has no script. */
function showCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) button.removeAttribute("hidden");
}

/** @param {MouseEvent} event */
async function copy(event) {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  if (!(button instanceof HTMLElement)) return;
  const field = document.querySelector(button.dataset.copy ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  field.select();
  await navigator.clipboard?.writeText(field.value);
  const words = button.querySelector("span");
  if (words) words.textContent = button.dataset.copied ?? "";
}
