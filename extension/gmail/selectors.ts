// Every place in Gmail's page that we look for ourselves; whatever InboxSDK finds for us is not here. Only this file
// knows Gmail's class names. Gmail renames them without notice: each entry says when it was last right, and what
// stands there, so that whoever repairs it knows what to look for.

import { report } from "./failures";

interface Place {
  /** What we call it, in reports, too. */
  name: string;
  /** Tried in this order. */
  selectors: readonly string[];
  /** The month in which it was last seen like this. */
  seen: string;
  /** What is found there. */
  expects: string;
  /** Whether its absence is a plain fact about a mail, rather than a change of Gmail's. */
  isOptional?: true;
}

export const PLACES = {
  composeFormat: {
    name: "the format of the mail that is being written",
    selectors: ['input[name="ishtml"]'],
    seen: "2026-11",
    expects: 'a hidden input in the compose form, "1" for formatted text and "0" for plain text',
  },
  composeDraft: {
    name: "the id of the draft",
    selectors: ['input[name="draft"]'],
    seen: "2026-11",
    expects: 'a hidden input in the compose form: "#msg-a:r…", the id under which drafts are saved and sent',
  },
  composeAttachment: {
    name: "an attachment",
    selectors: ['input[name="attach"]', ".dL .vI"],
    seen: "2026-11",
    expects: "one for each file that is attached or uploading, inside the compose window",
    isOptional: true,
  },
  composePicture: {
    name: "a picture inside the mail",
    selectors: ['img[data-surl^="cid:"]', 'img[src^="blob:"]', 'img[src^="data:"]', 'img[src^="https://mail.google.com/"]'],
    seen: "2026-11",
    expects: "a picture that was pasted or dropped into the editor and lives in this Gmail account only",
    isOptional: true,
  },
  threadRow: {
    name: "a row of the thread list",
    selectors: ["tr.zA", 'tr[role="row"]'],
    seen: "2026-11",
    expects: "the table row that opens a thread when it is clicked",
    isOptional: true,
  },
  threadRowId: {
    name: "the id of a thread in the list",
    selectors: ["[data-legacy-thread-id]"],
    seen: "2026-11",
    expects: "an element in the row whose attribute holds Gmail's hexadecimal thread id",
  },
  threadRowControl: {
    name: "a control in a row of the thread list",
    selectors: ['[role="checkbox"]', '[role="button"]', '[role="toolbar"]', "td.apU", "td.oZ-x3", "a[href]"],
    seen: "2026-11",
    expects: "what can be clicked in a row without opening its thread: box, star, hover actions",
    isOptional: true,
  },
  person: {
    name: "a person",
    selectors: ["[email]"],
    seen: "2026-11",
    expects: "an element whose attribute `email` is somebody's address, in rows and above messages",
    isOptional: true,
  },
} as const satisfies Record<string, Place>;

export type PlaceName = keyof typeof PLACES;

/** Return the first element of that kind below `root`, or null; a place that should be there is reported when it is not. */
export function find(root: ParentNode, place: PlaceName): HTMLElement | null {
  for (const selector of PLACES[place].selectors) {
    const found = root.querySelector<HTMLElement>(selector);
    if (found) return found;
  }
  if (!isOptional(place)) report(PLACES[place].name);
  return null;
}

/** Return all elements of that kind below `root`. */
export function findAll(root: ParentNode, place: PlaceName): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(PLACES[place].selectors.join(", "))];
}

/** Return the nearest element of that kind around `element`, or null. */
export function around(element: Element, place: PlaceName): HTMLElement | null {
  return element.closest<HTMLElement>(PLACES[place].selectors.join(", "));
}

function isOptional(place: PlaceName): boolean {
  return "isOptional" in PLACES[place];
}
