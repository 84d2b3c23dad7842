// Begins a new mail with its template and the signature of the mailbox it leaves from; another mailbox, another one.

const BLOCK = "mail-signature";

/** @param {HTMLFormElement} form @param {import("./editor.js").Editor} editor */
export function keepSignature(form, editor) {
  const mailbox = form.elements.namedItem("mailbox_id");
  if (form.dataset.fresh !== undefined && !editor.area.closest("[hidden]")) begin();
  if (mailbox instanceof HTMLSelectElement) mailbox.addEventListener("change", change);

  function begin() {
    const start = document.getElementById("mail-start");
    const text = start instanceof HTMLTemplateElement ? start.innerHTML : "<p><br></p>";
    const signature = find();
    editor.show(signature ? `${text}<div class="${BLOCK}">${signature}</div>` : text);
  }

  function change() {
    const block = editor.area.querySelector(`.${BLOCK}`);
    if (block) block.innerHTML = find();
    else if (find()) editor.area.insertAdjacentHTML("beforeend", `<div class="${BLOCK}">${find()}</div>`);
    editor.keep();
  }

  /** Return the signature of the chosen mailbox, which the server has cleaned. */
  function find() {
    const id = mailbox instanceof HTMLSelectElement ? mailbox.value : "";
    const all = /** @type {HTMLTemplateElement[]} */ ([...document.querySelectorAll("template[data-signature-of]")]);
    return (all.find((one) => !id || one.dataset.signatureOf === id)?.innerHTML ?? "").trim();
  }
}
