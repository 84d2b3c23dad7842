// The side panel inside Gmail: a frame with the extension's own page, which knows nothing of Gmail's.

import { report } from "./failures";
import type { Feature } from "./feature";
import { whenOver } from "./feature";
import { SIDEBAR } from "./icons";

const NAME = "Gmail's side panel";

export const sidebar: Feature = {
  name: NAME,
  async start(sdk, signal) {
    const panel = await sdk.Global.addSidebarContentPanel({ el: makeFrame(), title: "Warmline", iconUrl: SIDEBAR, hideTitleBar: true });
    if (panel) whenOver(signal, () => panel.remove());
    else report(NAME);
  },
};

function makeFrame(): HTMLElement {
  const frame = document.createElement("iframe");
  frame.className = "warmline-sidebar";
  frame.title = "Warmline";
  frame.src = chrome.runtime.getURL("sidebar/sidebar.html");
  return frame;
}
