// "Send individually": with several recipients, the server sends a mail of their own to each, and Gmail sends nothing.

import type { InboxSDK } from "@inboxsdk/core";
import { constant, pool } from "kefir";
import { ask } from "../../lib/messages";
import { say } from "../../lib/words";
import { attempt } from "../failures";
import { whenOver, type Feature } from "../feature";
import { INDIVIDUALLY } from "../icons";
import { readStanding } from "../standing";
import { tell, tellFailure } from "./bar";
import { confirm } from "./confirmation";
import { countRecipients, holdsFiles, isFrom, readLetter, type ComposeView } from "./mail";
import { stripOwnPixels } from "./own_pixels";
import { judge } from "./tracking";

const NAME = "the compose window's Send button";
type Button = Parameters<ComposeView["addButton"]>[0];

export const individually: Feature = {
  name: NAME,
  start(sdk, signal) {
    const mailbox = sdk.User.getEmailAddress();
    whenOver(signal, sdk.Compose.registerComposeViewHandler((view) => void attempt(NAME, () => add(sdk, view, mailbox))));
  },
};

function add(sdk: InboxSDK, view: ComposeView, mailbox: string): void {
  const states = pool<object | null, never>();
  const key = crypto.randomUUID(); // one for the window: a second press is a second try of the same mail
  const onClick = () => void attempt(NAME, () => send(sdk, view, mailbox, key));
  const button = { title: say("gmailIndividually"), type: "SEND_ACTION", iconUrl: INDIVIDUALLY, onClick };
  let isShown: boolean | null = null;
  const show = () => {
    const isWanted = countRecipients(view) > 1 && !view.isReply();
    if (isWanted !== isShown) states.plug(constant(isWanted ? button : null));
    isShown = isWanted;
  };
  view.addButton(states as unknown as Button);
  view.on("recipientsChanged", show);
  show();
}

async function send(sdk: InboxSDK, view: ComposeView, mailbox: string, key: string): Promise<void> {
  const { isTracked, why } = judge(view, mailbox);
  if (why) return tellFailure(sdk, say("gmailNotIndividually"), why);
  if (!isTracked) return tell(sdk, say("gmailIndividuallyUntracked"));
  if (!isFrom(view, mailbox)) return tell(sdk, say("gmailIndividuallyAlias", mailbox));
  if (holdsFiles(view)) return tell(sdk, say("gmailIndividuallyFiles"));
  const count = String(countRecipients(view));
  const title = say("gmailIndividuallyTitle", count);
  if (!(await confirm(sdk, title, say("gmailIndividuallyText"), say("gmailIndividuallySend", count)))) return;
  const html = stripOwnPixels(view.getHTMLContent(), readStanding()?.ownPixels ?? []);
  const answer = await ask("prepareMail", { mail: { ...readLetter(view, mailbox), html, individually: true, key } });
  if (!answer.ok) return tellFailure(sdk, say("gmailNotIndividually"), answer.failure);
  view.discard(); // the server has it now; a draft left behind would be sent a second time one day
  tell(sdk, say("gmailIndividuallyDone", String(answer.value.recipients)));
}
