// What stands in a compose window: who gets the mail, what it says, and what it carries.

import type { InboxSDK } from "@inboxsdk/core";
import type { OutgoingMail } from "../../lib/messages";
import { find } from "../selectors";

export type ComposeView = Parameters<Parameters<InboxSDK["Compose"]["registerComposeViewHandler"]>[0]>[0];
export type Letter = Omit<OutgoingMail, "html" | "individually" | "key">;
type Contact = { emailAddress: string; name?: string | null | undefined };

const THREAD_ID = /^[0-9a-f]{1,32}$/; // Gmail's, as its API writes it
const NEEDS_QUOTES = /[",;:<>@[\]()\\]/;

/** Return what the mail's head says now, as mail of the account `mailbox`. */
export function readLetter(view: ComposeView, mailbox: string): Letter {
  return {
    mailbox,
    subject: view.getSubject(),
    to: view.getToRecipients().map(write),
    cc: view.getCcRecipients().map(write),
    bcc: view.getBccRecipients().map(write),
    gmailThreadId: readThreadId(view),
  };
}

/** Return how many mails it would be if everybody got one of their own. */
export function countRecipients(view: ComposeView): number {
  const all = [...view.getToRecipients(), ...view.getCcRecipients(), ...view.getBccRecipients()];
  return new Set(all.map(({ emailAddress }) => emailAddress.toLowerCase())).size;
}

/** Return whether the mail is sent under the account's own address, and not under an alias. */
export function isFrom(view: ComposeView, mailbox: string): boolean {
  return view.getFromContact().emailAddress.toLowerCase() === mailbox.toLowerCase();
}

/** Return whether the mail is written as plain text: an editor that says nothing holds formatted text, as nearly all do. */
export function isPlainText(view: ComposeView): boolean {
  const format = find(view.getElement(), "composeFormat");
  return format instanceof HTMLInputElement && format.value === "0";
}

/** Return whether something in the mail exists in this Gmail only, so that nobody else can send it. */
export function holdsFiles(view: ComposeView): boolean {
  return Boolean(find(view.getElement(), "composeAttachment") ?? find(view.getBodyElement(), "composePicture"));
}

/** Return Gmail's id of the draft, the same when an undone mail is opened again; null when it cannot be known. */
export function readDraftId(view: ComposeView): string | null {
  const draft = find(view.getElement(), "composeDraft");
  return (draft instanceof HTMLInputElement && draft.value) || null;
}

/** A new mail has a thread id of its own as soon as its draft is saved; only a reply belongs to a thread. */
function readThreadId(view: ComposeView): string | null {
  const id = view.isReply() ? view.getThreadID() : null;
  return id && THREAD_ID.test(id) ? id : null;
}

function write({ emailAddress, name }: Contact): string {
  const isPlain = name && name !== emailAddress && !NEEDS_QUOTES.test(name);
  return isPlain ? `${name} <${emailAddress}>` : emailAddress;
}
