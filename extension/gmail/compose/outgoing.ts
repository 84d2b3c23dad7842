// The mail on its way out: our own pixels of earlier mail come out of quotes, the new pixel and wrapped links go in.
//
// All of it happens in the one request that sends the mail, so neither the editor nor a draft ever holds a pixel. A mail is
// never held up or damaged: without an answer in time, or with one that does not hold the member's text, it goes untracked.

import type { InboxSDK } from "@inboxsdk/core";
import { ask, type Answer, type PreparedMail } from "../../lib/messages";
import { makeFailure, makeRefusal } from "../../lib/failures";
import { say } from "../../lib/words";
import { attempt, report } from "../failures";
import { whenOver, type Feature } from "../feature";
import { readStanding } from "../standing";
import { tell, tellFailure } from "./bar";
import { readDraftId, readLetter, type ComposeView, type Letter } from "./mail";
import { stripOwnPixels } from "./own_pixels";
import { judge, type Verdict } from "./tracking";

const PATIENCE_MS = 3000;
/** After this long, mail that Gmail sent without showing us the request went out in some new way. */
const UNSEEN_MS = 8000;
const NAME = "the mail on its way out";

/** Mail that the server prepared and Gmail was about to send, by the draft's id. */
const handed = new Map<string, number>();

export const outgoing: Feature = {
  name: NAME,
  start(sdk, signal) {
    const mailbox = sdk.User.getEmailAddress();
    whenOver(signal, sdk.Compose.registerComposeViewHandler((view) => void attempt(NAME, () => watch(sdk, view, mailbox))));
  },
};

function watch(sdk: InboxSDK, view: ComposeView, mailbox: string): void {
  const draftId = readDraftId(view);
  if (draftId) takeBack(draftId);
  // Gmail takes the window down before it sends: what stands in it is read while it stands.
  let last = read(view, mailbox);
  const note = () => {
    if (view.getElement().isConnected) last = read(view, mailbox);
  };
  for (const event of ["presending", "recipientsChanged", "subjectChanged", "scheduleSendMenuOpening"] as const) view.on(event, note);
  view.on("scheduleSendMenuOpening", () => judge(view, mailbox).isTracked && tell(sdk, say("gmailScheduled")));
  const seen = expectRequest(view, () => {
    report("the request that sends mail");
    if (last.verdict.isTracked) tell(sdk, say("gmailUnseen"));
  });
  view.registerRequestModifier(async (request) => {
    seen();
    return { ...request, body: await prepare(sdk, last, request.body, draftId) };
  });
}

/** Call `miss` when Gmail takes a sent mail's window down without the request that we know; the answer says it was seen. */
function expectRequest(view: ComposeView, miss: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  view.on("presending", () => {
    stop();
    timer = setTimeout(() => {
      if (!view.getElement().isConnected && navigator.onLine) miss();
    }, UNSEEN_MS);
  });
  view.on("sendCanceled", stop);
  return stop;
}

function read(view: ComposeView, mailbox: string): { letter: Letter; verdict: Verdict } {
  return { letter: readLetter(view, mailbox), verdict: judge(view, mailbox) };
}

/** Return the body that Gmail shall send. */
async function prepare(sdk: InboxSDK, { letter, verdict }: ReturnType<typeof read>, body: string, draftId: string | null): Promise<string> {
  const clean = stripOwnPixels(body, readStanding()?.ownPixels ?? []);
  if (!verdict.isTracked) {
    if (verdict.why && verdict.isExpected) tellFailure(sdk, say("gmailUntracked"), verdict.why);
    return clean;
  }
  const mail = { ...letter, html: clean, individually: false, key: crypto.randomUUID() };
  const answer = await inTime(ask("prepareMail", { mail }));
  const html = answer.ok ? answer.value.html : null;
  if (answer.ok && html && holdsText(html, clean)) {
    if (draftId) handed.set(draftId, answer.value.id);
    return html;
  }
  if (answer.ok) cancel(answer.value.id);
  tellFailure(sdk, say("gmailUntracked"), answer.ok ? makeRefusal(say("gmailDamaged"), "") : answer.failure);
  return clean;
}

/** Give the server its time; what it prepares after that is taken back. */
async function inTime(answer: Promise<Answer<PreparedMail>>): Promise<Answer<PreparedMail>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Answer<PreparedMail>>((resolve) => {
    timer = setTimeout(() => {
      void answer.then((prepared) => prepared.ok && cancel(prepared.value.id));
      resolve({ ok: false, failure: makeFailure("serverAway", readStanding()?.server) });
    }, PATIENCE_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** The draft of a mail that was sent is being written again: it was undone, and the server shall not wait for it. */
function takeBack(draftId: string): void {
  const id = handed.get(draftId);
  if (id === undefined) return;
  handed.delete(draftId);
  cancel(id);
}

function cancel(id: number): void {
  void ask("cancelMail", { id });
}

function holdsText(html: string, written: string): boolean {
  return textOf(html).includes(textOf(written));
}

function textOf(html: string): string {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  return (body.textContent ?? "").replace(/\s+/g, "");
}
