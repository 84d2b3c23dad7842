// The number on the extension's icon: unread engagement, or "!" while something needs the member.

import { say } from "../lib/words";
import type { Standing } from "../lib/messages";

const EMBER = "#a8441c";
const RED = "#b3261e";

/** Show `standing` on the icon, with its words on hover; whoever never paired has nothing to be warned of. */
export async function showBadge({ failure, unread, server }: Standing, isMore: boolean): Promise<void> {
  const count = isMore ? "99+" : unread ? String(unread) : "";
  await chrome.action.setBadgeBackgroundColor({ color: failure ? RED : EMBER });
  await chrome.action.setBadgeTextColor({ color: "#ffffff" });
  await chrome.action.setBadgeText({ text: failure ? (server ? "!" : "") : count });
  await chrome.action.setTitle({ title: failure ? `Warmline: ${failure.message}` : titleFor(count) });
}

function titleFor(count: string): string {
  return count ? say("badgeUnread", count) : say("openSidebar");
}
