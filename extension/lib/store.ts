// What this browser keeps. `local` lasts, `session` ends with the browser; neither can be read by content scripts.

import type { Choices, Failure, OpenThread } from "./messages";
import type { Status } from "./api";

/** The server this browser is paired with. `token` is "" when it opens nothing any more. */
export interface Pairing {
  server: string;
  token: string;
}

interface Local {
  pairing: Pairing | null;
  choices: Choices;
  /** What the server said last. */
  status: Status | null;
  /** What stands between this browser and its server; null while all is well. */
  trouble: Failure | null;
  /** The sidebar's tab that was open last. */
  tab: string;
}

interface Session {
  /** The thread that each tab shows, by the tab's id. */
  threads: Record<string, OpenThread>;
  /** When the worker last heard the stream, epoch milliseconds. */
  heardAt: number;
  /** Whether the worker hears the server's stream. */
  isListening: boolean;
}

const EMPTY_LOCAL: Local = {
  pairing: null,
  choices: { tracksByDefault: true, showsMarks: true, notifies: true },
  status: null,
  trouble: null,
  tab: "",
};
const EMPTY_SESSION: Session = { threads: {}, heardAt: 0, isListening: false };

/** Keep content scripts, which share a process with Gmail's page, away from the token. */
export async function closeStore(): Promise<void> {
  await chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
}

export async function readLocal<K extends keyof Local>(name: K): Promise<Local[K]> {
  return (await chrome.storage.local.get({ [name]: EMPTY_LOCAL[name] }))[name] as Local[K];
}

export async function writeLocal(values: Partial<Local>): Promise<void> {
  await chrome.storage.local.set(values);
}

export async function readSession<K extends keyof Session>(name: K): Promise<Session[K]> {
  return (await chrome.storage.session.get({ [name]: EMPTY_SESSION[name] }))[name] as Session[K];
}

export async function writeSession(values: Partial<Session>): Promise<void> {
  await chrome.storage.session.set(values);
}

/** Call `listen` when one of `names` changes, in whatever page or worker it was changed, until `signal` ends it. */
export function onStored(names: (keyof Local | keyof Session)[], listen: () => void, signal?: AbortSignal): void {
  const hear = (changes: Record<string, unknown>) => {
    if (names.some((name) => name in changes)) listen();
  };
  chrome.storage.onChanged.addListener(hear);
  signal?.addEventListener("abort", () => chrome.storage.onChanged.removeListener(hear));
}
