// The sidebar: the server's own panels under tabs of ours, in a frame inside Gmail and in Chrome's side panel alike.

import "../lib/language";
import htmx from "htmx.org";
import "htmx-ext-response-targets";
import "idiomorph/htmx";
import { keepFeed } from "../../web/feed.js";
import { showReminder } from "../../web/notify.js";
import { catchUp } from "../../web/stream.js";
import { keepTasks } from "../../web/tasks.js";
import { keepTimes } from "../../web/time.js";
import { keepPictures } from "./pictures";
import { keepServer } from "./server";
import { keepTabs } from "./tabs";
import { keepStanding } from "./standing";
import { onStored, readLocal } from "../lib/store";
import { sayAll } from "../lib/words";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  historyEnabled: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: false, // the server is another origin; `server.ts` lets requests go to no other
  responseTargetUnsetsError: false,
});

sayAll(document);
void start();

/** A page belongs to one pairing: another one, or none, begins anew. */
async function start(): Promise<void> {
  const { token } = await keepServer();
  onStored(["pairing"], async () => (await readLocal("pairing"))?.token !== token && location.reload());
  if (token) keepParts();
  keepStanding(token ? keepTabs() : null);
}

function keepParts(): void {
  keepPictures();
  keepTimes();
  keepFeed();
  keepTasks();
  document.addEventListener("warmline:live", catchUp);
  document.body.addEventListener("warmline:reminder", (event) => showReminder((event as CustomEvent<{ id: number }>).detail.id));
}
