// Pairing: the member confirms this browser in a window of the server, which gives a code that only we can use (RFC 7636).

import { callServer, originsOf, type Status } from "../lib/api";
import { Failed, makeFailure, makeRefusal } from "../lib/failures";
import { readLocal, writeLocal, type Pairing } from "../lib/store";
import { say } from "../lib/words";
import { blockOwnPixels } from "./rules";
import { forgetToken, keepStatus, showStanding } from "./standing";
import type { Standing } from "../lib/messages";

const SECRET_BYTES = 32;

/** Pair this browser, named `device`, with `server`, whose permission was given; throw `Failed` when it comes to nothing. */
export async function pair(server: string, device: string): Promise<Standing> {
  if (!(await chrome.permissions.contains({ origins: originsOf(server) }))) throw new Failed(makeFailure("noAccess", server));
  const anonymous: Pairing = { server, token: "" };
  const verifier = makeSecret();
  const redirect = chrome.identity.getRedirectURL("paired");
  const code = await askForCode(server, device, verifier, redirect);
  const { token, ...status } = await callServer<Status & { token: string }>(anonymous, "/extension/token", {
    json: { code, verifier, redirect },
  });
  const pairing = { server, token };
  await writeLocal({ pairing });
  await keepStatus(pairing, status);
  return showStanding();
}

/** End this browser's token on the server and here; here also when the server cannot be reached. */
export async function signOut(): Promise<Standing> {
  const pairing = await readLocal("pairing");
  if (pairing?.token) {
    await forgetToken(pairing.server, makeFailure("signedOut", pairing.server));
    await blockOwnPixels([]);
    await callServer(pairing, "/extension/revocation", { method: "POST" }).catch(() => undefined);
  }
  return showStanding();
}

async function askForCode(server: string, device: string, verifier: string, redirect: string): Promise<string> {
  const state = makeSecret();
  const query = new URLSearchParams({ challenge: await challengeFor(verifier), device, redirect, state });
  const answer = await openWindow(`${server}/extension/pairing?${query}`);
  const code = answer.get("code");
  if (answer.get("state") !== state || !code) throw new Failed(makeRefusal(say("pairingDeclined"), say("pairingDeclinedFix")));
  return code;
}

async function openWindow(url: string): Promise<URLSearchParams> {
  try {
    const answer = await chrome.identity.launchWebAuthFlow({ url, interactive: true });
    return new URL(answer ?? "").searchParams;
  } catch {
    throw new Failed(makeRefusal(say("pairingClosed"), say("pairingClosedFix"))); // closed, or the page did not load
  }
}

async function challengeFor(verifier: string): Promise<string> {
  return toText(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
}

function makeSecret(): string {
  return toText(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).buffer);
}

/** Base64url without padding (RFC 4648 §5). */
function toText(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
