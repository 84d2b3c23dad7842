// The "Content" button: documents, templates and snippets from the server, put where the cursor stands.

import type { InboxSDK } from "@inboxsdk/core";
import { ask } from "../../lib/messages";
import type { Content, Insertion } from "../../lib/messages";
import { say } from "../../lib/words";
import { attempt } from "../failures";
import { whenOver, type Feature } from "../feature";
import { CONTENT } from "../icons";
import { tellFailure } from "./bar";
import { makeMenu } from "./content_menu";
import { isPlainText, type ComposeView } from "./mail";
import { makeSafe, toText } from "./safe_html";

const NAME = "the compose toolbar";

export const content: Feature = {
  name: NAME,
  start(sdk, signal) {
    whenOver(signal, sdk.Compose.registerComposeViewHandler((view) => void attempt(NAME, () => add(sdk, view))));
  },
};

function add(sdk: InboxSDK, view: ComposeView): void {
  view.addButton({
    title: say("gmailContent"),
    iconUrl: CONTENT,
    iconClass: "warmline-content",
    hasDropdown: true,
    orderHint: 2,
    onClick: ({ dropdown }) => {
      if (!dropdown) return;
      const over = new AbortController();
      dropdown.once("destroy", () => over.abort());
      const pick = (item: Content) => {
        dropdown.close();
        void attempt("the editor", () => insert(sdk, view, item));
      };
      dropdown.el.append(makeMenu(pick, over.signal));
      dropdown.el.querySelector("input")?.focus();
    },
  });
}

async function insert(sdk: InboxSDK, view: ComposeView, { kind, id }: Content): Promise<void> {
  const to = view.getToRecipients()[0]?.emailAddress ?? "";
  const answer = await ask("insertContent", { kind, id, to });
  if (view.destroyed) return;
  if (answer.ok) put(view, answer.value);
  else tellFailure(sdk, "", answer.failure);
}

function put(view: ComposeView, { html, subject }: Insertion): void {
  if (isPlainText(view)) view.insertTextIntoBodyAtCursor(toText(html));
  else view.insertHTMLIntoBodyAtCursor(makeSafe(html));
  if (subject && !view.getSubject()) view.setSubject(subject);
}
