// The server's HTML, made to work on a page that comes from elsewhere: its addresses are whole, its links open in a tab.

const ADDRESSES = ["href", "action", "formaction"] as const;
const HERE = /^(#|$)/;
const OUTSIDE = /^(tel|mailto):/i;
const PAGES = /^https?:$/;

/** Return `html` of `server` for our pages. It is parsed in a document of its own, where nothing loads or runs. */
export function adopt(html: string, server: string): string {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const name of ADDRESSES) {
    for (const element of template.content.querySelectorAll(`[${name}]`)) makeWhole(element, name, server);
  }
  for (const picture of template.content.querySelectorAll("img[src]")) setAside(picture, server);
  for (const link of template.content.querySelectorAll("a[href]")) openInTab(link);
  return template.innerHTML;
}

function makeWhole(element: Element, name: string, server: string): void {
  const value = element.getAttribute(name) ?? "";
  if (HERE.test(value) || OUTSIDE.test(value)) return;
  const url = URL.canParse(value, server) ? new URL(value, server) : null;
  if (url && PAGES.test(url.protocol)) element.setAttribute(name, url.href);
  else element.removeAttribute(name);
}

/** The server shows its pictures to those who sign in; `pictures.ts` fetches them with the token. */
function setAside(picture: Element, server: string): void {
  const value = picture.getAttribute("src") ?? "";
  if (value.startsWith("data:") || !URL.canParse(value, server)) return;
  picture.setAttribute("data-picture", new URL(value, server).href);
  picture.removeAttribute("src");
}

function openInTab(link: Element): void {
  const value = link.getAttribute("href") ?? "";
  if (HERE.test(value)) return;
  if (OUTSIDE.test(value)) link.removeAttribute("target");
  else link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
}
