// Warmline inside Gmail: loads InboxSDK and starts each feature; one that fails is named, and the others go on.

import * as InboxSDK from "@inboxsdk/core";
import { APP_ID } from "./app_id";
import { content } from "./compose/content";
import { individually } from "./compose/individually";
import { outgoing } from "./compose/outgoing";
import { toggle } from "./compose/toggle";
import { attempt, report } from "./failures";
import type { Feature } from "./feature";
import { marks } from "./marks";
import { sidebar } from "./sidebar";
import { keepStanding } from "./standing";
import { threads } from "./threads";

// `outgoing` first: whatever else may be wrong with the page, our own pixels never leave in a quote.
const FEATURES: Feature[] = [outgoing, toggle, content, individually, sidebar, threads, marks];
const PATIENCE_MS = 30_000;

async function load(): Promise<void> {
  const slow = setTimeout(() => report("Gmail"), PATIENCE_MS);
  const sdk = await InboxSDK.load(2, APP_ID, { appName: "Warmline", eventTracking: false, globalErrorLogging: false });
  clearTimeout(slow);
  const over = new AbortController();
  sdk.once("destroy", () => over.abort());
  await keepStanding(over.signal);
  for (const { name, start } of FEATURES) void attempt(name, () => start(sdk, over.signal));
}

void attempt("Gmail", load);
