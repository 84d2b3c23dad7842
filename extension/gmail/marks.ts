// A small mark on sent threads in the list: how sure it is that they were read. Off by a setting.

import type { InboxSDK } from "@inboxsdk/core";
import { constant, pool, type Pool } from "kefir";
import { ask, onNotice, type Mark } from "../lib/messages";
import { attempt } from "./failures";
import { whenOver, type Feature } from "./feature";
import { MARKS } from "./icons";
import { findMailbox, followStanding, readStanding } from "./standing";

const NAME = "the thread list";
const MOST_AT_ONCE = 100;
const GATHER_MS = 100;
type RowView = Parameters<Parameters<InboxSDK["Lists"]["registerThreadRowViewHandler"]>[0]>[0];
type Image = { imageUrl: string; imageClass: string; tooltip: string };

interface Row {
  gmailThreadId: string;
  view: RowView;
  images: Pool<Image | null, never>;
}

export const marks: Feature = {
  name: NAME,
  start(sdk, signal) {
    const rows = new Set<Row>();
    const mailbox = sdk.User.getEmailAddress();
    const isWanted = () => Boolean(readStanding()?.showsMarks && findMailbox(mailbox));
    const look = gather(() => void showMarks(rows, isWanted()));
    whenOver(
      signal,
      sdk.Lists.registerThreadRowViewHandler((view: RowView) => void attempt(NAME, () => add(rows, view).then(look))),
    );
    onNotice("marksChanged", look, signal);
    let isShown = isWanted();
    followStanding(() => {
      if (isWanted() !== isShown) look();
      isShown = isWanted();
    }, signal);
  },
};

async function add(rows: Set<Row>, view: RowView): Promise<void> {
  const row = { gmailThreadId: await view.getThreadIDAsync(), view, images: pool<Image | null, never>() };
  if (view.destroyed) return;
  view.addImage(row.images);
  rows.add(row);
  view.once("destroy", () => rows.delete(row));
}

/** Ask for the marks of all rows that stand in the list now, and show them; without an answer the marks stay as they are. */
async function showMarks(rows: Set<Row>, isWanted: boolean): Promise<void> {
  if (!isWanted) return show([...rows], {});
  const all = [...rows];
  for (let from = 0; from < all.length; from += MOST_AT_ONCE) {
    const part = all.slice(from, from + MOST_AT_ONCE);
    const answer = await ask("readMarks", { gmailThreadIds: part.map(({ gmailThreadId }) => gmailThreadId) });
    if (answer.ok) show(part, answer.value);
  }
}

function show(rows: Row[], found: Record<string, Mark>): void {
  for (const { gmailThreadId, view, images } of rows) {
    const mark = found[gmailThreadId];
    images.plug(constant(mark ? toImage(mark) : null));
    if (mark) describe(view.getElement(), mark);
  }
}

function toImage({ state, word }: Mark): Image {
  return { imageUrl: MARKS[state], imageClass: `warmline-mark warmline-mark-${state}`, tooltip: `Warmline: ${word}` };
}

/** InboxSDK gives the picture a tooltip, which screen readers do not read. */
function describe(row: HTMLElement, { word }: Mark): void {
  const picture = row.querySelector(".warmline-mark");
  picture?.setAttribute("role", "img");
  picture?.setAttribute("aria-label", `Warmline: ${word}`);
}

/** Return a function that calls `act` once for all its calls within a moment. */
function gather(act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, GATHER_MS);
  };
}
