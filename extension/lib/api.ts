// The server as the extension sees it: one way to ask, and the shapes of what it answers (docs/extension-api.md).

import { Failed, makeFailure, makeRefusal } from "./failures";
import type { Pairing } from "./store";

declare const EXTENSION_VERSION: string;
export const VERSION = EXTENSION_VERSION;
const PATIENCE_MS = 10_000;

/** `GET /extension/status`, and with a `token` the answer to `POST /extension/token`; only what is used here. */
export interface Status {
  server: { version: string; minimum_extension: string; base_url: string; edge_url: string; stream_url: string };
  member: { id: number; name: string; email: string; locale: string };
  workspace: { name: string };
  device: { id: number; name: string };
  mailboxes: { id: number; email: string; state: string; track: boolean }[];
  own_pixels: string[];
  marks: boolean;
  unread: Unread;
}

/** `count` goes to 99; `is_more` means more than that. */
export interface Unread {
  count: number;
  is_more: boolean;
  last_id: number;
}

interface Refusal {
  error?: string;
  message?: string;
  fix?: string;
}

export interface Question {
  method?: "GET" | "POST";
  query?: Record<string, string>;
  json?: unknown;
  patienceMs?: number;
}

/** Ask the paired server and return what its JSON says; throw `Failed` where it does not. */
export async function callServer<T>(pairing: Pairing, path: string, question: Question = {}): Promise<T> {
  const { method = question.json === undefined ? "GET" : "POST", query, json, patienceMs = PATIENCE_MS } = question;
  const url = `${pairing.server}${path}${query ? `?${new URLSearchParams(query)}` : ""}`;
  const headers = { ...headersFor(pairing), ...(json === undefined ? {} : { "Content-Type": "application/json" }) };
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: json === undefined ? null : JSON.stringify(json),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(patienceMs),
    });
  } catch {
    throw await whyAway(pairing.server);
  }
  if (!answer.ok) throw await whyRefused(pairing.server, answer);
  return readJson(pairing.server, answer);
}

/** Send a form and return the bare answer, for modules of the web app that read it themselves. */
export function postForm(pairing: Pairing, path: string, body: URLSearchParams): Promise<Response> {
  const headers = headersFor(pairing);
  return fetch(pairing.server + path, { method: "POST", body, headers, credentials: "omit", redirect: "error" });
}

/** Return the headers that every request of the extension carries; `Authorization` only once it is paired. */
export function headersFor({ token }: Pairing): Record<string, string> {
  const bearer: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  return { ...bearer, Accept: "application/json, text/html", "X-Warmline-Extension": VERSION };
}

/** Return the pattern of the permission that talking to `server` needs. */
export function originsOf(server: string): string[] {
  const { protocol, hostname } = new URL(server);
  return [`${protocol}//${hostname}/*`];
}

async function readJson<T>(server: string, answer: Response): Promise<T> {
  if (answer.status === 204) return null as T;
  try {
    return (await answer.json()) as T;
  } catch {
    throw new Failed(makeFailure("serverAway", server)); // something else answers at that address
  }
}

async function whyAway(server: string): Promise<Failed> {
  const isAllowed = await chrome.permissions.contains({ origins: originsOf(server) });
  return new Failed(makeFailure(isAllowed ? "serverAway" : "noAccess", server));
}

async function whyRefused(server: string, answer: Response): Promise<Failed> {
  const refusal: Refusal = await answer.json().catch(() => ({}));
  if (answer.status === 401 && refusal.error === "revoked") return new Failed(makeFailure("revoked", server));
  if (answer.status === 401 && refusal.error !== "deactivated") return new Failed(makeFailure("signedOut", server));
  if (answer.status === 426) return new Failed(makeFailure("tooOld", server));
  if (answer.status >= 500 || !refusal.message) return new Failed(makeFailure("serverAway", server));
  return new Failed(makeRefusal(refusal.message, refusal.fix ?? ""));
}
