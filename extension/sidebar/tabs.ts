// The tabs: Engagement, Tasks, Target in this order, and the thread that Gmail shows while it shows one. The last is kept.

import htmx from "htmx.org";
import { find } from "../lib/page";
import { readLocal, writeLocal } from "../lib/store";
import { say } from "../lib/words";
import { keepThread } from "./thread";

const PANELS = ["engagement", "tasks", "target"] as const;
type Tab = (typeof PANELS)[number] | "thread";

export interface Tabs {
  /** Load the tab that was open last. */
  open: () => void;
  /** Load it again, if it could not be loaded. */
  retry: () => void;
  /** Show nothing of the server any more. */
  close: () => void;
}

/** Let the tabs be chosen; nothing is loaded before `open`. */
export function keepTabs(): Tabs {
  let tab: Tab = PANELS[0];
  let isOpen = false;
  const thread = keepThread((isThere) => {
    find("thread-tab").hidden = !isThere;
    if (isThere) show("thread");
    else if (tab === "thread") void readKept().then(show);
  });
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".window-tab")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const chosen = link.hash.slice(1) as Tab;
      if (chosen !== "thread") void writeLocal({ tab: chosen });
      show(chosen);
    });
  }

  function show(chosen: Tab): void {
    tab = chosen;
    const name = `tab${chosen[0]?.toUpperCase()}${chosen.slice(1)}`;
    find("title").textContent = document.title = say(name);
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".window-tab")) {
      if (link.hash === `#${chosen}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (isOpen) void load(chosen === "thread" ? thread.path() : `/extension/panels/${chosen}`);
  }

  return {
    open() {
      isOpen = true;
      void readKept().then((kept) => show(thread.isThere() ? "thread" : kept));
    },
    retry() {
      if (document.getElementById("loading")) show(tab);
    },
    close() {
      isOpen = false;
      find("panel").replaceChildren();
      find("problem").replaceChildren();
      document.dispatchEvent(new Event("warmline:floated")); // ends the stream of a feed that is gone
    },
  };
}

async function load(path: string): Promise<void> {
  const loading = document.createElement("p");
  loading.id = "loading";
  loading.className = "text-muted px-2 py-6 text-center";
  loading.textContent = say("loading");
  find("problem").replaceChildren();
  find("panel").replaceChildren(loading);
  await htmx.ajax("get", path, { target: "#panel", swap: "innerHTML" }).catch(() => undefined); // the server is away
  if (loading.isConnected) loading.textContent = say("loadFailed");
}

/** The page's own localStorage is closed to it in a frame inside Gmail, where a browser keeps third parties from storing. */
async function readKept(): Promise<Tab> {
  const kept = await readLocal("tab");
  return PANELS.find((name) => name === kept) ?? PANELS[0];
}
