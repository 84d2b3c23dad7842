// A question before something that cannot be taken back.

import type { InboxSDK } from "@inboxsdk/core";
import { say } from "../../lib/words";

/** Ask, and return whether the member wants it; closing the question means no. */
export function confirm(sdk: InboxSDK, title: string, text: string, yes: string): Promise<boolean> {
  return new Promise((resolve) => {
    const el = document.createElement("p");
    el.className = "warmline-question";
    el.textContent = text;
    const modal = sdk.Widgets.showModalView({
      el,
      title,
      buttons: [
        { text: yes, type: "PRIMARY_ACTION", onClick: () => decide(true) },
        { text: say("gmailNeverMind"), type: "SECONDARY_ACTION", onClick: () => decide(false) },
      ],
    });
    const decide = (isWanted: boolean) => {
      resolve(isWanted);
      modal.close();
    };
    modal.on("destroy", () => resolve(false));
  });
}
