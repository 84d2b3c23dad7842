// How this browser stands to its server: asks, remembers, and shows it on the badge, in the rules and in every Gmail tab.

import { callServer, originsOf, type Status } from "../lib/api";
import { Failed, makeFailure } from "../lib/failures";
import { readLocal, writeLocal, type Pairing } from "../lib/store";
import { showBadge } from "./badge";
import { notifyGmail } from "./gmail_tabs";
import { blockOwnPixels } from "./rules";
import type { Failure, Standing } from "../lib/messages";

/** Return how things stood when the server was last asked. */
export async function readStanding(): Promise<Standing> {
  const [pairing, status, choices] = await Promise.all([readLocal("pairing"), readLocal("status"), readLocal("choices")]);
  const failure = pairing?.token ? await readLocal("trouble") : await whySignedOut(pairing);
  return {
    failure,
    server: pairing?.server ?? "",
    member: status?.member.name || status?.member.email || "",
    mailboxes: (status?.mailboxes ?? [])
      .filter(({ state }) => state === "linked")
      .map(({ email, track }) => ({ address: email, isTracked: track && choices.tracksByDefault })),
    choices,
    unread: failure ? 0 : (status?.unread.count ?? 0),
    ownPixels: status?.own_pixels ?? [],
    showsMarks: choices.showsMarks && (status?.marks ?? false),
  };
}

/** Ask the server how things stand, and show it; an answer that cannot be had is a standing, too. */
export async function refreshStanding(): Promise<Standing> {
  const pairing = await readLocal("pairing");
  if (!pairing?.token) return showStanding();
  try {
    const status = await callServer<Status>(pairing, "/extension/status");
    await keepStatus(pairing, status);
    return showStanding();
  } catch (error) {
    return noteFailure(pairing, error);
  }
}

/** Whether an answer to `pairing` still concerns us: the member may have signed out, or paired anew, meanwhile. */
async function isCurrent({ token }: Pairing): Promise<boolean> {
  return (await readLocal("pairing"))?.token === token;
}

/** Keep what the server said to `pairing`, and block the pixels it names as our own. */
export function keepStatus(pairing: Pairing, status: Status): Promise<void> {
  return inTurn(async () => {
    if (!(await isCurrent(pairing))) return;
    await writeLocal({ status, trouble: null });
    await blockOwnPixels(status.own_pixels);
  });
}

/** Remember a failure that concerns more than the one request; a token that opens nothing any more is forgotten. */
export async function noteFailure(pairing: Pairing, error: unknown): Promise<Standing> {
  if (!(error instanceof Failed)) throw error;
  if (!(await isCurrent(pairing))) return readStanding();
  const { failure } = error;
  if (failure.kind === "revoked" || failure.kind === "signedOut") await forgetToken(pairing.server, failure);
  else await writeLocal({ trouble: failure });
  return showStanding();
}

/** Forget the token, but not the server; the member's own pixels are still theirs, and stay blocked until another pairs. */
export function forgetToken(server: string, why: Failure): Promise<void> {
  return inTurn(() => writeLocal({ pairing: { server, token: "" }, status: null, trouble: why }));
}

/** The member took a permission away in the browser's settings: is it the one for the server? */
export async function dropAccess(): Promise<void> {
  const pairing = await readLocal("pairing");
  if (!pairing?.token || (await chrome.permissions.contains({ origins: originsOf(pairing.server) }))) return;
  await writeLocal({ trouble: makeFailure("noAccess", pairing.server) });
  await showStanding();
}

let last: Promise<unknown> = Promise.resolve();

/** Keep, forget and show one after the other: the newest stays, and no late answer brings back what was forgotten. */
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const done = last.then(act);
  last = done.catch(() => undefined);
  return done;
}

/** Show how things stand in all places that the worker reaches. */
export function showStanding(): Promise<Standing> {
  return inTurn(show);
}

async function show(): Promise<Standing> {
  const standing = await readStanding();
  const status = await readLocal("status");
  await showBadge(standing, status?.unread.is_more ?? false);
  await notifyGmail({ type: "standingChanged", standing });
  return standing;
}

async function whySignedOut(pairing: Pairing | null): Promise<Failure> {
  return (await readLocal("trouble")) ?? makeFailure("signedOut", pairing?.server ?? "");
}
