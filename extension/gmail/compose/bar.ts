// What we say in Gmail's own message bar.

import type { InboxSDK } from "@inboxsdk/core";
import { ask, type Failure } from "../../lib/messages";
import { say } from "../../lib/words";

// Gmail's own "Message sent" stands before ours for about ten seconds.
const SHOWN_MS = 30_000;
const KEY = "warmline";

/** Say `text`; a newer message takes its place. */
export function tell(sdk: InboxSDK, text: string): void {
  show(sdk, text, []);
}

/** Say what went wrong, with the way out. */
export function tellFailure(sdk: InboxSDK, lead: string, failure: Failure): void {
  const text = [lead, failure.message, failure.fix].filter(Boolean).join(" ");
  const needsPairing = ["signedOut", "revoked", "noAccess", "tooOld"].includes(failure.kind);
  const open = { title: say("gmailOpenOptions"), onClick: () => void ask("openOptions", {}) };
  show(sdk, text, needsPairing ? [open] : []);
}

function show(sdk: InboxSDK, text: string, buttons: { title: string; onClick: () => void }[]): void {
  const message = { text: `Warmline: ${text}`, buttons, time: SHOWN_MS, persistent: true, hideOnViewChanged: false, messageKey: KEY };
  sdk.ButterBar.showMessage(message);
}
