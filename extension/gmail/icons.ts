// The few pictures that we put into Gmail's page, as data: nothing of ours is fetched from there.

import type { ReadingState } from "../lib/messages";

const GREY = "#5f6368"; // Gmail's own icon colour, which it turns light in dark themes
const EMBER = "#a8441c";
const WHITE = "#ffffff";

/** Lines as lucide draws them, 24 by 24. */
function draw(lines: string, colour = GREY): string {
  const attributes = `xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' width='20' height='20' fill='none' stroke-width='2'`;
  const svg = `<svg ${attributes} stroke='${colour}' stroke-linecap='round' stroke-linejoin='round'>${lines}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const EYE = "<path d='M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7-10-7-10-7Z'/><circle cx='12' cy='12' r='3'/>";
const STRUCK = "<path d='m3 3 18 18'/>";
const FLAME = "<path d='M8.5 14.5A2.5 2.5 0 0 0 11 12c0-1.4-.5-2-1-3-1.1-2.1-.2-4.1 2-6 .5 2.5 2 4.9 4 6.5s3 3.5 3 5.5a7 7 0 1 1-14 0c0-1.2.4-2.3 1-3a2.5 2.5 0 0 0 2.5 2.5Z'/>";

export const SIDEBAR = draw(FLAME, EMBER);
export const TRACKED = draw(EYE, EMBER);
export const UNTRACKED = draw(EYE + STRUCK);
export const IMPOSSIBLE = draw(`<g stroke-dasharray='3 3'>${EYE}</g>${STRUCK}`);
export const CONTENT = draw("<path d='M15 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V7Z'/><path d='M14 2v5h6M12 12v6M9 15h6'/>");
export const INDIVIDUALLY = draw("<path d='M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M19 8v6M22 11h-6'/><circle cx='9' cy='7' r='4'/>", WHITE); // on InboxSDK's blue button

/** Four shapes for four states; the word stands beside them. */
export const MARKS: Record<ReadingState, string> = {
  none: draw("<circle cx='12' cy='12' r='8'/>"),
  machine: draw("<rect x='4' y='8' width='16' height='12' rx='2'/><path d='M12 8V4M9 14h.01M15 14h.01'/>"),
  probable: draw(EYE),
  confirmed: draw(`${EYE}<path d='m15 20 2 2 5-5'/>`, EMBER),
};
