// Which thread the member opens: the sidebar follows it, and the server knows that a pixel fetched now is our own (T12).

import type { InboxSDK } from "@inboxsdk/core";
import { ask, type OpenThread } from "../lib/messages";
import { attempt } from "./failures";
import { whenOver, type Feature } from "./feature";
import { around, find, findAll } from "./selectors";
import { findMailbox } from "./standing";

const NAME = "the open thread";
type ThreadView = Parameters<Parameters<InboxSDK["Conversations"]["registerThreadViewHandler"]>[0]>[0];

export const threads: Feature = {
  name: NAME,
  start(sdk, signal) {
    const mailbox = sdk.User.getEmailAddress();
    const hear = (event: MouseEvent) => attempt("the thread list", () => announceClick(event, mailbox));
    document.addEventListener("click", hear, { capture: true, signal });
    whenOver(signal, sdk.Conversations.registerThreadViewHandler((view) => void attempt(NAME, () => follow(view, mailbox))));
  },
};

/** A click on a row comes before the thread's pictures are asked for; what InboxSDK tells comes after. */
function announceClick({ target }: MouseEvent, mailbox: string): void {
  const row = target instanceof Element ? around(target, "threadRow") : null;
  if (!row || (target instanceof Element && around(target, "threadRowControl"))) return;
  const gmailThreadId = find(row, "threadRowId")?.dataset.legacyThreadId;
  if (gmailThreadId) announce({ gmailThreadId, mailbox, subject: "", addresses: readAddresses(row) });
}

async function follow(view: ThreadView, mailbox: string): Promise<void> {
  const gmailThreadId = await view.getThreadIDAsync();
  if (view.destroyed) return;
  const tell = () => announce({ gmailThreadId, mailbox, subject: view.getSubject(), addresses: readPeople(view) });
  tell();
  for (const message of view.getMessageViewsAll()) if (!message.isLoaded()) message.once("load", tell);
  view.once("destroy", () => void ask("threadClosed", { gmailThreadId }));
}

function readPeople(view: ThreadView): string[] {
  const messages = view.getMessageViewsAll().filter((message) => message.isLoaded());
  return unique(messages.flatMap((message) => [message.getSender().emailAddress, ...message.getRecipientEmailAddresses()]));
}

function readAddresses(row: HTMLElement): string[] {
  return unique(findAll(row, "person").map((person) => person.getAttribute("email") ?? ""));
}

function unique(addresses: string[]): string[] {
  return [...new Set(addresses.map((address) => address.toLowerCase()).filter(Boolean))];
}

function announce(thread: OpenThread): void {
  if (findMailbox(thread.mailbox)) void ask("threadOpened", { thread });
}
