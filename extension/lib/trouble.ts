// What went wrong, in a page of ours: what, what to do about it, and the way out as a button.

import { originsOf } from "./api";
import { ask, type Failure, type FailureKind } from "./messages";
import { find } from "./page";
import { readLocal } from "./store";
import { say } from "./words";

interface WayOut {
  words: string;
  act: () => Promise<unknown>;
}

const RETRY: WayOut = { words: "tryAgain", act: () => ask("refreshStanding", {}) };
const OPTIONS: WayOut = { words: "openOptions", act: () => ask("openOptions", {}) };
const EXTENSIONS: WayOut = { words: "openExtensions", act: () => chrome.tabs.create({ url: `chrome://extensions/?id=${chrome.runtime.id}` }) };
const ALLOW: WayOut = { words: "allowAccess", act: allowAccess };

const WAYS_OUT: Record<FailureKind, WayOut[]> = {
  signedOut: [OPTIONS],
  revoked: [OPTIONS],
  serverAway: [RETRY, OPTIONS],
  tooOld: [EXTENSIONS, RETRY],
  noAccess: [ALLOW],
  refused: [RETRY],
};

/** Show `failure` in the page's `#trouble`, or hide that; on the options page the way there is left out. */
export function showTrouble(failure: Failure | null): void {
  const place = find("trouble");
  place.hidden = !failure;
  if (!failure) return;
  find("trouble-message").textContent = failure.message;
  find("trouble-fix").textContent = failure.fix;
  const isOptions = location.pathname.startsWith("/options/");
  const ways = WAYS_OUT[failure.kind].filter((way) => !(isOptions && way === OPTIONS));
  find("trouble-way-out").replaceChildren(...ways.map(makeButton));
}

function makeButton({ words, act }: WayOut): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm me-2";
  button.textContent = say(words);
  button.addEventListener("click", () => {
    button.disabled = true;
    void act().finally(() => (button.disabled = false));
  });
  return button;
}

async function allowAccess(): Promise<void> {
  const pairing = await readLocal("pairing");
  if (pairing && (await chrome.permissions.request({ origins: originsOf(pairing.server) }))) await ask("refreshStanding", {});
}
