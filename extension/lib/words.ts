// The extension's own texts, in the browser's language: `_locales` by name.

/** Return the text `name`, with `values` at its places. An unknown name is shown as it is, so that a test sees it. */
export function say(name: string, ...values: string[]): string {
  return chrome.i18n.getMessage(name, values) || name;
}

/** Write the texts of a page: `data-say` is an element's text, `data-say-title` and `data-say-label` its attributes. */
export function sayAll(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-say]")) element.textContent = say(element.dataset.say ?? "");
  for (const element of root.querySelectorAll<HTMLElement>("[data-say-title]")) element.title = say(element.dataset.sayTitle ?? "");
  for (const element of root.querySelectorAll<HTMLElement>("[data-say-label]")) {
    element.setAttribute("aria-label", say(element.dataset.sayLabel ?? ""));
  }
}
