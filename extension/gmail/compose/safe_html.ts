// HTML from the server on its way into Gmail's editor: what can be written in a mail passes, nothing that could run does.

const TAGS = new Set(
  "A B BLOCKQUOTE BR CODE DIV EM FONT H1 H2 H3 H4 HR I IMG LI OL P PRE S SPAN STRONG SUB SUP TABLE TBODY TD TFOOT TH THEAD TR U UL".split(" "),
);
const ATTRIBUTES = new Set("align alt bgcolor border cellpadding cellspacing colspan color dir face height href rowspan size src style target title valign width".split(" "));
const ADDRESS = /^(https?|mailto|tel):/i;

/** Return `html` with nothing in it but tags and attributes of mail, and addresses that lead to the web, a mailbox or a phone. */
export function makeSafe(html: string): string {
  const { body } = new DOMParser().parseFromString(html, "text/html"); // inert: nothing loads or runs in it
  for (const element of [...body.querySelectorAll("*")]) {
    if (TAGS.has(element.tagName)) dropAttributes(element);
    else element.remove();
  }
  return body.innerHTML;
}

/** Return the same as plain text, with the addresses of links after their words. */
export function toText(html: string): string {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const link of body.querySelectorAll("a")) link.append(` (${link.href})`);
  for (const block of body.querySelectorAll("br, p, div, li")) block.after("\n");
  return (body.textContent ?? "").trim();
}

function dropAttributes(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    const isAddress = name === "href" || name === "src";
    if (!ATTRIBUTES.has(name) || (isAddress && !ADDRESS.test(value.trim()))) element.removeAttribute(name);
  }
}
