// What the sidebar shows of how this browser stands to its server: the panels, or what is wrong and the way out.

import { ask, type FailureKind } from "../lib/messages";
import { find } from "../lib/page";
import { onStored } from "../lib/store";
import { showTrouble } from "../lib/trouble";
import { readPairing } from "./server";
import type { Tabs } from "./tabs";

/** While one of these holds, what was loaded stays in sight; with any other it goes. */
const STAYS: FailureKind[] = ["serverAway", "refused"];

/** Show the panels of the paired member, now and when that changes. */
export function keepStanding(tabs: Tabs): void {
  let shown = "";
  onStored(["pairing", "trouble"], () => void show());
  void show();
  void ask("refreshStanding", {});

  async function show(): Promise<void> {
    const { server, token } = await readPairing();
    const answer = await ask("readStanding", {});
    const failure = answer.ok ? answer.value.failure : answer.failure;
    const isOpen = token !== "" && (!failure || STAYS.includes(failure.kind));
    showTrouble(failure);
    find("window").hidden = !isOpen;
    const wanted = isOpen ? `${server} ${token} ${failure ? "waiting" : ""}` : "";
    if (wanted === shown) return;
    shown = wanted;
    if (!isOpen) tabs.close();
    else if (!failure) tabs.open();
  }
}
