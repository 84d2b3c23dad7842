// The web app's entry: htmx with everything that evaluates text switched off, then our few modules.

import htmx from "htmx.org";
import "htmx-ext-response-targets";
import "idiomorph/htmx";
import { keepTheme } from "./theme.js";
import { keepTimes } from "./time.js";
import { keepFeed } from "./feed.js";
import { keepNotifications } from "./notify.js";
import { keepWindow } from "./window.js";
import { keepTasks } from "./tasks.js";
import { keepUpToDate } from "./stream.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  responseTargetUnsetsError: false,
});

keepTheme();
keepTimes();
keepUpToDate();
keepFeed();
keepWindow();
keepNotifications();
keepTasks();
