// Pictures of the server, fetched with the token and shown from memory: an `<img>` cannot carry one.

import { headersFor } from "../lib/api";
import { readPairing } from "./server";

/** Fill in the pictures of whatever htmx brings. */
export function keepPictures(): void {
  document.body.addEventListener("htmx:load", (event) => {
    for (const picture of (event.target as Element).querySelectorAll<HTMLImageElement>("img[data-picture]")) void fill(picture);
  });
}

async function fill(picture: HTMLImageElement): Promise<void> {
  const pairing = await readPairing();
  const url = picture.dataset.picture ?? "";
  delete picture.dataset.picture;
  if (new URL(url).origin !== pairing.server) return;
  const answer = await fetch(url, { headers: headersFor(pairing), credentials: "omit" }).catch(() => null);
  if (!answer?.ok) return; // its alternative text stands there
  const address = URL.createObjectURL(await answer.blob());
  picture.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
  picture.src = address;
}
