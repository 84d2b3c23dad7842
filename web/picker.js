// Puts templates, snippets and links to documents into the mail that is being written: a dialog with a search, all by keyboard.

/** @param {HTMLFormElement} form @param {import("./editor.js").Editor} editor */
export function keepPicker(form, editor) {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("library-dialog"));
  if (!dialog) return;
  for (const button of form.querySelectorAll("[data-open-picker]")) {
    button.addEventListener("click", () => {
      document.getElementById("library-picker")?.replaceChildren(); // htmx fetches what stands in it
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => {
    const choice = /** @type {Element} */ (event.target).closest("[data-insertion]");
    if (!(choice instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    insert(choice);
  });
  dialog.addEventListener("keydown", moveByArrows);
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const swapped = /** @type {HTMLElement} */ (event.target);
    if (swapped.id === "library-picker") document.getElementById("library-picker-search")?.focus();
  });

  /** @param {HTMLElement} choice */
  async function insert(choice) {
    const said = /** @type {HTMLElement} */ (document.getElementById("library-said"));
    const address = new URL(choice.dataset.insertion ?? "", location.href);
    address.searchParams.set("merges", "yes");
    for (const name of ["to", "mailbox_id"]) address.searchParams.set(name, valueOf(form, name));
    said.textContent = "";
    try {
      const method = choice.dataset.method ?? "GET"; // choosing a document makes a link to it
      const answer = await fetch(address, { method, headers: { Accept: "application/json" } });
      const given = await answer.json();
      if (!answer.ok) throw new Error(given.message);
      dialog?.close();
      put(given);
    } catch (error) {
      said.textContent = error instanceof Error && error.message ? error.message : (said.dataset.failed ?? "");
    }
  }

  /** @param {{ subject: string | null, html: string, signs: boolean }} given */
  function put(given) {
    if (given.signs) form.querySelector(".mail-signature")?.remove();
    const subject = /** @type {HTMLInputElement} */ (form.elements.namedItem("subject"));
    if (given.subject && !subject.value.trim()) subject.value = given.subject;
    editor.insert(given.html);
  }

  /** @param {KeyboardEvent} event */
  function moveByArrows(event) {
    const choices = /** @type {HTMLElement[]} */ ([...(dialog?.querySelectorAll("[data-insertion]") ?? [])]);
    const at = choices.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const isTyping = document.activeElement?.id === "library-picker-search";
    if (event.key === "Enter" && isTyping) {
      event.preventDefault();
      if (choices[0]) insert(choices[0]);
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) document.getElementById("library-picker-search")?.focus();
    else choices[Math.min(next, choices.length - 1)]?.focus();
  }
}

/** @param {HTMLFormElement} form @param {string} name */
function valueOf(form, name) {
  const field = form.elements.namedItem(name);
  return field instanceof HTMLInputElement || field instanceof HTMLSelectElement ? field.value : "";
}
