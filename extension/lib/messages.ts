// What the parts of the extension say to each other: the names, what is asked, and what is answered.
//
// Content scripts and pages ask the service worker with `ask(…)`; it answers, and never throws: what went wrong comes as
// a `Failure` whose text is in the member's language. The service worker tells content scripts with `Notices`.

/** Why something cannot be done now. Each kind has a text and a way out of its own, in every place that shows it. */
export type FailureKind = "signedOut" | "revoked" | "serverAway" | "tooOld" | "refused" | "noAccess";

export interface Failure {
  kind: FailureKind;
  /** What happened, a sentence in the member's language. */
  message: string;
  /** What to do about it, a sentence in the member's language. */
  fix: string;
}

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: Failure };

export interface Mailbox {
  address: string;
  /** Whether mail from this mailbox is tracked unless the toggle says otherwise: the server's word and the options' together. */
  isTracked: boolean;
}

/** The member's choices on the options page, kept on this device. */
export interface Choices {
  tracksByDefault: boolean;
  showsMarks: boolean;
  notifies: boolean;
}

/** How this browser stands to its Warmline. Holds no secret: content scripts get it. */
export interface Standing {
  /** Null while paired and well. */
  failure: Failure | null;
  /** The server's address without a slash at the end; "" before the first pairing. */
  server: string;
  member: string;
  mailboxes: Mailbox[];
  choices: Choices;
  unread: number;
  /** Prefixes of the member's own pixels (`https://edge/o/<sender-key>/`); stripped from quoted text. */
  ownPixels: string[];
  /** Whether marks are wanted, by the server and by the options. */
  showsMarks: boolean;
}

export interface OutgoingMail {
  mailbox: string;
  subject: string;
  html: string;
  to: string[];
  cc: string[];
  bcc: string[];
  /** Let the server compose and send one copy to each recipient; Gmail then sends nothing. */
  individually: boolean;
  /** Where a reply belongs, if it is one. */
  gmailThreadId: string | null;
  /** The same for each try to send this very mail (1–200 characters): the server then sends individual copies once. */
  key: string;
}

export interface PreparedMail {
  /** Names the mail for `cancelMail`. */
  id: number;
  /** What Gmail shall send in place of the body; null where the server sends by itself (individually). */
  html: string | null;
  /** Where the server shows what it sends individually, and to how many; null and 0 otherwise. */
  url: string | null;
  recipients: number;
}

export type ReadingState = "none" | "machine" | "probable" | "confirmed";

export interface Mark {
  state: ReadingState;
  /** The state in the member's language. */
  word: string;
  views: number;
  clicks: number;
  replies: number;
}

export type ContentKind = "document" | "template" | "snippet";

export interface Content {
  kind: ContentKind;
  /** As the server gives it: documents are named by text. */
  id: number | string;
  title: string;
  /** One line more: the file's type and size, a template's subject. */
  note: string;
}

/** What goes into the editor; `subject` only from templates. Links in it work untracked, too. */
export interface Insertion {
  html: string;
  subject: string | null;
}

export interface OpenThread {
  gmailThreadId: string;
  mailbox: string;
  subject: string;
  addresses: string[];
}

/** What the service worker is asked, by name. */
export interface Requests {
  readStanding: { ask: Record<never, never>; answer: Standing };
  /** Ask the server again how things stand. */
  refreshStanding: { ask: Record<never, never>; answer: Standing };
  changeChoices: { ask: { choices: Partial<Choices> }; answer: Standing };
  pair: { ask: { server: string; device: string }; answer: Standing };
  signOut: { ask: Record<never, never>; answer: Standing };
  prepareMail: { ask: { mail: OutgoingMail }; answer: PreparedMail };
  /** Gmail did not send it after all. */
  cancelMail: { ask: { id: number }; answer: null };
  /** The sender's tab shows this thread now; the sidebar follows, and the server knows that this view is our own. */
  threadOpened: { ask: { thread: OpenThread }; answer: null };
  /** It does not any more; with an id, only if it is still that one. */
  threadClosed: { ask: { gmailThreadId?: string }; answer: null };
  /** At most 100 threads; those that hold no tracked mail are left out of the answer. */
  readMarks: { ask: { gmailThreadIds: string[] }; answer: Record<string, Mark> };
  listContents: { ask: { kind: ContentKind; query: string }; answer: Content[] };
  insertContent: { ask: { kind: ContentKind; id: Content["id"]; to: string }; answer: Insertion };
  /** Only in answer to a click or a key. */
  openSidePanel: { ask: Record<never, never>; answer: null };
  openOptions: { ask: Record<never, never>; answer: null };
}

/** What the service worker tells the content scripts of all Gmail tabs, unasked. */
export interface Notices {
  standingChanged: { standing: Standing };
  /** The server knows of mail that was opened: marks may have changed. */
  marksChanged: Record<never, never>;
}

export type RequestName = keyof Requests;
export type NoticeName = keyof Notices;
export type Request<K extends RequestName = RequestName> = { [N in K]: { type: N } & Requests[N]["ask"] }[K];
export type Notice<K extends NoticeName = NoticeName> = { [N in K]: { type: N } & Notices[N] }[K];

/** Ask the service worker; without one (the extension was updated or removed under this page) it counts as signed out. */
export async function ask<K extends RequestName>(type: K, question: Requests[K]["ask"]): Promise<Answer<Requests[K]["answer"]>> {
  try {
    return await chrome.runtime.sendMessage({ type, ...question });
  } catch {
    return { ok: false, failure: ORPHANED };
  }
}

/** Call `listen` for each notice of this name until `signal` ends it. */
export function onNotice<K extends NoticeName>(type: K, listen: (notice: Notices[K]) => void, signal: AbortSignal): void {
  const hear = (message: Notice): undefined => {
    if (message.type === type) listen(message as unknown as Notices[K]);
  };
  chrome.runtime.onMessage.addListener(hear);
  signal.addEventListener("abort", () => chrome.runtime.onMessage.removeListener(hear));
}

// An orphaned content script can ask for no translation either.
const ORPHANED: Failure = {
  kind: "signedOut",
  message: "Warmline's extension was updated or removed.",
  fix: "Reload this tab.",
};
