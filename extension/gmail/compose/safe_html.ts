// HTML from the server on its way into Gmail's editor: what can be written in a mail passes, nothing that could run does.

const HTML = "http://www.w3.org/1999/xhtml";
const PASSING = setOf(
  "A B BLOCKQUOTE BR CODE DIV EM FONT H1 H2 H3 H4 HR I IMG LI OL P PRE S SPAN STRONG SUB SUP TABLE TBODY TD TFOOT TH THEAD TR U UL",
);
/** What goes with all it holds; of any other tag only the tag goes. */
const GOING = setOf("EMBED IFRAME NOEMBED NOFRAMES NOSCRIPT OBJECT PLAINTEXT SCRIPT SELECT STYLE TEMPLATE TEXTAREA TITLE XMP");
const ATTRIBUTES = setOf(
  "align alt bgcolor border cellpadding cellspacing colspan color dir face height href rowspan size src style target title valign width",
);
const ADDRESS = /^(https?|mailto|tel):/i;

/** Return `html` with nothing in it but tags and attributes of mail, and addresses that lead to the web, a mailbox or a phone. */
export function makeSafe(html: string): string {
  const { body } = new DOMParser().parseFromString(html, "text/html"); // inert: nothing loads or runs in it
  for (const element of [...body.querySelectorAll("*")]) {
    if (element.namespaceURI !== HTML || GOING.has(element.tagName)) element.remove();
    else if (PASSING.has(element.tagName)) dropAttributes(element);
    else element.replaceWith(...element.childNodes);
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

function setOf(words: string): Set<string> {
  return new Set(words.split(" "));
}

function dropAttributes(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    const isAddress = name === "href" || name === "src";
    if (!ATTRIBUTES.has(name) || (isAddress && !ADDRESS.test(value.trim()))) element.removeAttribute(name);
  }
}
