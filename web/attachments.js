// Attached files: more than Gmail takes is said before the mail is sent.

/** @param {HTMLFormElement} form */
export function keepAttachments(form) {
  const input = /** @type {HTMLInputElement | null} */ (form.querySelector("#files"));
  input?.addEventListener("change", () => {
    const bytes = [...(input.files ?? [])].reduce((sum, file) => sum + file.size, 0);
    input.setCustomValidity(bytes > Number(input.dataset.most) ? (input.dataset.tooMuch ?? "") : "");
    input.reportValidity();
  });
}
