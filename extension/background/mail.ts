// Mail that Gmail is about to send, and the marks of what became of it.

import { callServer } from "../lib/api";
import type { Mark, OutgoingMail, PreparedMail } from "../lib/messages";
import type { Pairing } from "../lib/store";

const SEND_PATIENCE_MS = 3000; // a member's mail is never held up: then it goes untracked
const MARKS_AT_ONCE = 100;

interface HandedMail {
  id: number;
  html: string | null;
  recipients?: number;
  url?: string;
}

/** Let the server make `mail` trackable, or send it to each recipient by itself. */
export async function prepareMail(pairing: Pairing, mail: OutgoingMail): Promise<PreparedMail> {
  const { gmailThreadId, ...fields } = mail;
  const json = { ...fields, track: true, gmail_thread_id: gmailThreadId };
  const handed = await callServer<HandedMail>(pairing, "/extension/mail", { json, patienceMs: SEND_PATIENCE_MS });
  return { id: handed.id, html: handed.html, url: handed.url ?? null, recipients: handed.recipients ?? 0 };
}

/** Forget a mail that Gmail did not send. */
export async function cancelMail(pairing: Pairing, id: number): Promise<null> {
  return callServer<null>(pairing, `/extension/mail/${id}/cancellation`, { method: "POST" });
}

/** Return the reading state of each of the threads that holds tracked mail. */
export async function readMarks(pairing: Pairing, gmailThreadIds: string[]): Promise<Record<string, Mark>> {
  const json = { thread_ids: gmailThreadIds.slice(0, MARKS_AT_ONCE) };
  const { marks } = await callServer<{ marks: Record<string, Mark> }>(pairing, "/extension/marks", { json });
  return marks;
}
