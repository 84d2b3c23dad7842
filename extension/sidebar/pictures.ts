// Pictures of the server, fetched with the token and shown from memory: an `<img>` cannot carry one.

import { fetchPicture } from "./server";

/** Fill in the pictures of whatever htmx brings. */
export function keepPictures(): void {
  document.body.addEventListener("htmx:load", (event) => {
    for (const picture of (event.target as Element).querySelectorAll<HTMLImageElement>("img[data-picture]")) void fill(picture);
  });
}

async function fill(picture: HTMLImageElement): Promise<void> {
  const bytes = await fetchPicture(picture.dataset.picture ?? "");
  delete picture.dataset.picture;
  if (!bytes) return; // its alternative text stands there
  const address = URL.createObjectURL(bytes);
  picture.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
  picture.src = address;
}
