// The one shape of whatever we add to Gmail: a module with a name and a start; it ends when its signal does.

import type { InboxSDK } from "@inboxsdk/core";

export interface Feature {
  /** What is reported when it cannot start. */
  name: string;
  start(sdk: InboxSDK, signal: AbortSignal): void | Promise<void>;
}

/** Call `stop` when `signal` ends, also if it has ended already. */
export function whenOver(signal: AbortSignal, stop: () => void): void {
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
}
