// What the "Content" button opens: three kinds, a search, and what was found; built from text, never from HTML.

import { ask, type Content, type ContentKind } from "../../lib/messages";
import { say } from "../../lib/words";
import { readStanding } from "../standing";

const KINDS = ["document", "template", "snippet"] as const satisfies ContentKind[];
const PLACES: Record<ContentKind, string> = { document: "/documents", template: "/library", snippet: "/library" };
const TYPING_MS = 200;

/** Return the menu; `pick` is called with what the member chose. */
export function makeMenu(pick: (item: Content) => void, signal: AbortSignal): HTMLElement {
  const menu = make("div", { className: "warmline-menu" });
  const list = make("div", { className: "warmline-list", role: "region", ariaLive: "polite", ariaLabel: say("gmailContent") });
  const words = say("gmailSearch");
  const search = make("input", { type: "search", className: "warmline-search", placeholder: words, ariaLabel: words });
  let kind: ContentKind = "document";
  let turn = 0;
  const load = async () => {
    const mine = ++turn;
    list.replaceChildren(make("p", { textContent: say("gmailLoading") }));
    const answer = await ask("listContents", { kind, query: search.value.trim() });
    if (mine !== turn || signal.aborted) return;
    list.replaceChildren(...(answer.ok ? toItems(answer.value, kind, pick) : [toNote(answer.failure.message, answer.failure.fix)]));
  };
  const tabs = KINDS.map((one) => toTab(one, () => {
    kind = one;
    markTab(tabs, one);
    void load();
  }));
  let timer: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void load(), TYPING_MS);
  }, { signal });
  const bar = make("div", { className: "warmline-kinds", role: "group", ariaLabel: say("gmailKinds") });
  bar.append(...tabs);
  menu.append(bar, search, list);
  markTab(tabs, kind);
  void load();
  return menu;
}

function toTab(kind: ContentKind, open: () => void): HTMLButtonElement {
  const tab = make("button", { type: "button", textContent: say(`gmailKind_${kind}`) });
  tab.dataset.kind = kind;
  tab.addEventListener("click", open);
  return tab;
}

function markTab(tabs: HTMLElement[], kind: ContentKind): void {
  for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.kind === kind));
}

function toItems(items: Content[], kind: ContentKind, pick: (item: Content) => void): Node[] {
  if (!items.length) return [toNote(say(`gmailNone_${kind}`), ""), toLink(kind)];
  return items.map((item) => {
    const button = make("button", { type: "button", className: "warmline-item" });
    button.append(make("strong", { textContent: item.title }), make("small", { textContent: item.note }));
    button.addEventListener("click", () => pick(item));
    return button;
  });
}

function toNote(message: string, fix: string): HTMLElement {
  return make("p", { textContent: [message, fix].filter(Boolean).join(" ") });
}

function toLink(kind: ContentKind): HTMLElement {
  const href = `${readStanding()?.server ?? ""}${PLACES[kind]}`;
  return make("a", { href, target: "_blank", rel: "noopener", textContent: say("gmailOpenWarmline") });
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Partial<HTMLElementTagNameMap[K]>): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), properties);
}
