// The track toggle in the compose toolbar: an eye, open or struck through, and the words for it.

import type { InboxSDK } from "@inboxsdk/core";
import { constant, pool } from "kefir";
import { say } from "../../lib/words";
import { attempt } from "../failures";
import { whenOver, type Feature } from "../feature";
import { IMPOSSIBLE, TRACKED, UNTRACKED } from "../icons";
import { followStanding } from "../standing";
import { tellFailure } from "./bar";
import type { ComposeView } from "./mail";
import { choose, judge, type Verdict } from "./tracking";

const NAME = "the compose toolbar";
const CLASS = "warmline-toggle";
type Button = Parameters<ComposeView["addButton"]>[0];

export const toggle: Feature = {
  name: NAME,
  start(sdk, signal) {
    const mailbox = sdk.User.getEmailAddress();
    whenOver(signal, sdk.Compose.registerComposeViewHandler((view) => void attempt(NAME, () => add(sdk, view, mailbox))));
  },
};

function add(sdk: InboxSDK, view: ComposeView, mailbox: string): void {
  const over = new AbortController();
  const states = pool<object, never>();
  const show = () => {
    const verdict = judge(view, mailbox);
    states.plug(constant(describe(verdict, () => press(sdk, view, mailbox, show))));
    label(view, verdict);
  };
  view.addButton(states as unknown as Button);
  view.once("destroy", () => over.abort());
  followStanding(show, over.signal);
  show();
}

function press(sdk: InboxSDK, view: ComposeView, mailbox: string, show: () => void): void {
  const { isTracked, why } = judge(view, mailbox);
  if (why) tellFailure(sdk, say("gmailCannotTrack"), why);
  else choose(view, !isTracked);
  show();
}

function describe(verdict: Verdict, onClick: () => void): object {
  const iconUrl = verdict.isTracked ? TRACKED : verdict.why ? IMPOSSIBLE : UNTRACKED;
  return { title: wordsFor(verdict), iconUrl, iconClass: CLASS, orderHint: 1, onClick };
}

/** InboxSDK names a button once, and never says whether it is pressed. */
function label(view: ComposeView, verdict: Verdict): void {
  const button = view.getElement().querySelector(`.${CLASS}`)?.closest("[role=button]");
  button?.setAttribute("aria-label", wordsFor(verdict));
  button?.setAttribute("aria-pressed", String(verdict.isTracked));
}

function wordsFor({ isTracked, why }: Verdict): string {
  if (isTracked) return say("gmailTracked");
  return why ? say("gmailImpossible", why.message) : say("gmailNotTracked");
}
