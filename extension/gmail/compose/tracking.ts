// Whether a mail that is being written will be tracked; and if not, whose doing that is.

import type { Failure, Standing } from "../../lib/messages";
import { say } from "../../lib/words";
import { findMailbox, readStanding } from "../standing";
import { isPlainText, type ComposeView } from "./mail";

export interface Verdict {
  isTracked: boolean;
  /** Why it cannot be; null where it is tracked, or the member does not want it. */
  why: Failure | null;
  /** Whether somebody who sends it now has reason to believe that it is tracked. */
  isExpected: boolean;
}

const choices = new WeakMap<ComposeView, boolean>();

/** Remember what the member chose for this one mail. */
export function choose(view: ComposeView, isTracked: boolean): void {
  choices.set(view, isTracked);
}

/** Return what would become of the mail if it were sent now from the account `mailbox`. */
export function judge(view: ComposeView, mailbox: string): Verdict {
  const standing = readStanding();
  const account = findMailbox(mailbox);
  const isWanted = choices.get(view) ?? account?.isTracked ?? false;
  const why = whyNot(standing, Boolean(account), view);
  return { isTracked: isWanted && !why, why, isExpected: isWanted || (Boolean(why) && isLost(standing)) };
}

function whyNot(standing: Standing | null, isLinked: boolean, view: ComposeView): Failure | null {
  if (!standing) return { kind: "signedOut", message: say("gmailStarting"), fix: "" };
  // A server that was away may be back: that shows when the mail is sent.
  if (standing.failure && standing.failure.kind !== "serverAway") return standing.failure;
  if (!isLinked) return { kind: "refused", message: say("gmailNotLinked"), fix: say("gmailNotLinkedFix") };
  if (isPlainText(view)) return { kind: "refused", message: say("gmailPlainText"), fix: say("gmailPlainTextFix") };
  return null;
}

/** Whether this browser was paired, and no longer is: nothing is known of mailboxes then, but tracking is missed. */
function isLost(standing: Standing | null): boolean {
  return Boolean(standing?.failure && standing.server && standing.choices.tracksByDefault);
}
