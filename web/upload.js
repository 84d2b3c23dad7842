// Forms that upload a file: how far it is, and dropping a file on the form.

/** Serve all upload forms, also those that come later. */
export function keepUploads() {
  document.body.addEventListener("htmx:xhr:progress", (event) => {
    const form = findForm(event);
    const { loaded, total } = /** @type {CustomEvent} */ (event).detail;
    if (form && total) show(form, loaded / total);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const form = findForm(event);
    if (form) reset(form);
  });
  document.addEventListener("dragover", (event) => {
    const form = findForm(event);
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("is-target");
  });
  document.addEventListener("dragleave", (event) => findForm(event)?.classList.remove("is-target"));
  document.addEventListener("drop", drop);
}

/** @param {DragEvent} event */
function drop(event) {
  const form = findForm(event);
  const input = form?.querySelector("input[type=file]");
  if (!form || !(input instanceof HTMLInputElement) || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  form.classList.remove("is-target");
  input.files = event.dataTransfer.files;
  form.requestSubmit();
}

/** @param {HTMLFormElement} form @param {number} share */
function show(form, share) {
  const bar = form.querySelector("progress");
  const said = /** @type {HTMLElement | null} */ (form.querySelector("[data-upload-said]"));
  if (bar) [bar.hidden, bar.value] = [share >= 1, Math.round(share * 100)];
  if (said) said.textContent = share >= 1 ? (said.dataset.sent ?? "") : `${Math.round(share * 100)} %`;
}

/** @param {HTMLFormElement} form */
function reset(form) {
  const bar = form.querySelector("progress");
  const said = form.querySelector("[data-upload-said]");
  if (bar) bar.hidden = true;
  if (said) said.textContent = "";
  form.reset();
}

/** @param {Event} event */
function findForm(event) {
  const element = event.target instanceof Element ? event.target : null;
  return /** @type {HTMLFormElement | null} */ (element?.closest("form[data-upload]") ?? null);
}
