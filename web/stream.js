// The live stream of this page: gets a ticket, listens, says in words how it stands, and comes back by itself.

const TICKETS = "/stream/tickets";
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const SILENCE_MS = 40_000; // the server beats every 15 s
const SHELL_TOPICS = ["message", "mailbox", "mailbox_ending", "task", "target", "person", "reminder", "notification", "seen", "reading", "document", "campaign"];
const LOOKED_AT = ["message", "mailbox", "task", "target", "person", "reading", "document", "campaign"]; // the others call for an act

/**
 * What a page shows of the stream. `lastId` is the newest event it has; without `onRow` no rows are asked for, and without
 * `onTopic` topics become events of the page's body.
 * @typedef {object} View
 * @property {number} lastId
 * @property {Record<string, string>} [ask]
 * @property {(html: string) => void} [onRow]
 * @property {(id: number, html?: string) => void} [onChange] a row looks different now, or without `html` is gone
 * @property {() => Promise<void>} [onReload]
 * @property {(topic: string, detail: Record<string, unknown>) => void} [onTopic]
 * @property {() => void} [onBeat]
 * @property {(state: State) => void} [onState]
 * @typedef {"connecting" | "live" | "reconnecting" | "offline" | "ended"} State
 */

/**
 * The server of this page. The extension, whose pages come from elsewhere, names its own.
 * @typedef {object} Server
 * @property {(path: string, body: URLSearchParams) => Promise<Response>} post
 * @property {(html: string) => string} readHtml
 */

/** @type {Server} */
let server = {
  post: (path, body) => fetch(path, { method: "POST", body, redirect: "manual" }),
  readHtml: (html) => html,
};

/** Let all streams of this page come from `other`. @param {Server} other */
export function useServer(other) {
  server = other;
}

/** Let each part of the page look for itself: what changed while no stream was open was told to nobody. */
export function catchUp() {
  for (const topic of LOOKED_AT) tell(topic, {});
}

/** Catch up each time that a stream is there again. */
export function keepUpToDate() {
  let isBack = false;
  document.addEventListener("warmline:live", () => {
    if (isBack) catchUp();
    isBack = true;
  });
}

/** @param {string} topic @param {Record<string, unknown>} detail */
function tell(topic, detail) {
  document.body.dispatchEvent(new CustomEvent(`warmline:${topic}`, { detail }));
}

/** Say that this page showed the member's feed up to the event `lastId`. @param {number} lastId */
export async function noteSeen(lastId) {
  await server.post("/feed/seen", new URLSearchParams({ last_id: String(lastId) })).catch(() => undefined);
}

/** Keep a stream open for `view` until `signal` ends it or the page does. @param {View} view @param {AbortSignal} signal */
export function openStream(view, signal) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let failures = 0;
  let isEnded = false;
  let attempt = 0;

  async function connect() {
    close();
    const mine = ++attempt;
    const url = await fetchAddress(view).catch(() => undefined);
    if (mine !== attempt) return;
    if (url === null) return end();
    if (url === undefined) return retry();
    source = new EventSource(`${url}&after=${view.onRow ? view.lastId : ""}`);
    source.onopen = () => {
      failures = 0;
      setState("live");
      watch();
      if (!view.onTopic) document.dispatchEvent(new Event("warmline:live"));
    };
    source.onerror = retry;
    source.addEventListener("beat", () => {
      watch();
      view.onBeat?.();
    });
    source.addEventListener("row", (event) => {
      watch();
      view.onRow?.(server.readHtml(JSON.parse(event.data).html));
      view.lastId = Math.max(view.lastId, Number(event.lastEventId));
    });
    source.addEventListener("change", (event) => {
      watch();
      const { id, html } = JSON.parse(event.data);
      view.onChange?.(id, html && server.readHtml(html));
    });
    source.addEventListener("reload", async () => {
      watch();
      await view.onReload?.();
    });
    for (const topic of SHELL_TOPICS) source.addEventListener(topic, (event) => pass(topic, event));
  }

  /** Tell the page's own elements. @param {string} topic @param {MessageEvent} event */
  function pass(topic, event) {
    watch();
    const detail = JSON.parse(event.data);
    if (view.onTopic) view.onTopic(topic, detail);
    else tell(topic, detail);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }

  function watch() {
    clearTimeout(timer);
    timer = setTimeout(retry, SILENCE_MS);
  }

  function retry() {
    close();
    if (isEnded) return;
    setState(navigator.onLine ? "reconnecting" : "offline");
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
    timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
  }

  function end() {
    isEnded = true;
    setState("ended");
  }

  /** @param {State} state */
  function setState(state) {
    view.onState?.(state);
  }

  addEventListener("offline", retry, { signal });
  addEventListener(
    "online",
    () => {
      failures = 0;
      connect();
    },
    { signal },
  );
  addEventListener("pagehide", close, { signal });
  addEventListener("pageshow", (event) => event.persisted && connect(), { signal });
  signal.addEventListener("abort", () => {
    isEnded = true;
    attempt += 1;
    close();
  });
  connect();
}

/**
 * Return the address of a stream, null when nobody is signed in any more, undefined when it cannot be had now.
 * @param {View} view
 */
async function fetchAddress(view) {
  const body = new URLSearchParams({ ...view.ask, rows: view.onRow ? "wanted" : "" });
  const answer = await server.post(TICKETS, body);
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return null;
  return answer.ok ? /** @type {string} */ ((await answer.json()).url) : undefined;
}
