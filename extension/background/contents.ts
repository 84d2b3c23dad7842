// What a mail can be given from the server: documents, templates and snippets.

import { callServer } from "../lib/api";
import type { Content, ContentKind, Insertion } from "../lib/messages";
import type { Pairing } from "../lib/store";

const LISTS: Record<ContentKind, string> = {
  document: "/documents/insertions",
  template: "/library/insertions",
  snippet: "/library/insertions",
};

/** Return what of `kind` matches `query`, the last used first. */
export async function listContents(pairing: Pairing, kind: ContentKind, query: string): Promise<Content[]> {
  const { items } = await callServer<{ items: Content[] }>(pairing, LISTS[kind], { query: { q: query, kind } });
  return items;
}

/** Return what goes into the editor of a mail to `to` (an address, or "" when nobody is named yet). */
export async function insertContent(pairing: Pairing, kind: ContentKind, id: Content["id"], to: string): Promise<Insertion> {
  if (kind === "document") return callServer<Insertion>(pairing, `/documents/${id}/insertion`, { method: "POST" });
  return callServer<Insertion>(pairing, `/library/insertions/${id}`, { query: { to } });
}
