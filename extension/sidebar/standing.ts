// What the sidebar shows of how this browser stands to its server: the panels, or what is wrong and the way out.

import { ask, type FailureKind } from "../lib/messages";
import { find } from "../lib/page";
import { onStored } from "../lib/store";
import { showTrouble } from "../lib/trouble";
import type { Tabs } from "./tabs";

/** While one of these holds, what was loaded stays in sight; with any other it goes. */
const STAYS: FailureKind[] = ["serverAway", "refused"];

/** Show the panels, none where this browser is not paired, now and when how it stands changes. */
export function keepStanding(tabs: Tabs | null): void {
  let isOpen = false;
  onStored(["trouble"], () => void show());
  void show();
  void ask("refreshStanding", {});

  async function show(): Promise<void> {
    const answer = await ask("readStanding", {});
    const failure = answer.ok ? answer.value.failure : answer.failure;
    showTrouble(failure);
    if (!tabs || (failure && STAYS.includes(failure.kind))) return;
    if (isOpen && !failure) tabs.retry();
    if (isOpen === !failure) return;
    isOpen = !failure;
    find("window").hidden = !isOpen;
    if (isOpen) tabs.open();
    else tabs.close();
  }
}
