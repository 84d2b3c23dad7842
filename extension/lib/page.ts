// The elements of our own pages, by id.

/** Return the element `id`, which stands in the page's HTML. */
export function find<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}
