// All that this page asks of the server: with the token, to no other address, and with what comes back made to work here.

import htmx from "htmx.org";
import { useServer } from "../../web/stream.js";
import { headersFor, postForm } from "../lib/api";
import { ask } from "../lib/messages";
import { readLocal, type Pairing } from "../lib/store";
import { adopt } from "./adopt";

const ENDS = [401, 426]; // not ours any more, or too old
let pairing: Pairing = { server: "", token: "" };

/** Send htmx's requests and the live stream's to the paired server, and return the pairing. */
export async function keepServer(): Promise<Pairing> {
  pairing = (await readLocal("pairing")) ?? pairing;
  htmx.defineExtension("warmline", { transformResponse: (text: string) => adopt(text, pairing.server) });
  useServer({
    post,
    readHtml: (html: string) => adopt(html, pairing.server),
  });
  document.body.addEventListener("htmx:configRequest", aim);
  document.body.addEventListener("htmx:beforeOnLoad", look);
  document.body.addEventListener("htmx:sendError", askHowThingsStand);
  document.addEventListener("submit", stopPlainForm);
  document.addEventListener("click", stopPlainLink);
  return pairing;
}

/** Return the picture at `url` of the server, null where there is none for us. */
export async function fetchPicture(url: string): Promise<Blob | null> {
  if (new URL(url).origin !== pairing.server) return null;
  const answer = await fetch(url, { headers: headersFor(pairing), credentials: "omit" }).catch(() => null);
  return answer?.ok ? answer.blob() : null;
}

/** Send a form of the web app's modules; what fails may concern all of us. */
async function post(path: string, body: URLSearchParams): Promise<Response> {
  const answer = await postForm(pairing, path, body).catch((error: unknown) => {
    askHowThingsStand();
    throw error;
  });
  if (ENDS.includes(answer.status)) askHowThingsStand();
  return answer;
}

function askHowThingsStand(): void {
  void ask("refreshStanding", {});
}

interface HtmxRequest {
  path: string;
  headers: Record<string, string>;
}

/** Aim a request at the server; the token goes nowhere else, whatever a partial says. */
function aim(event: Event): void {
  const request = (event as CustomEvent<HtmxRequest>).detail;
  const url = new URL(request.path, pairing.server || "invalid:");
  if (!pairing.token || url.origin !== pairing.server) return event.preventDefault();
  request.path = url.href;
  Object.assign(request.headers, headersFor(pairing), { Accept: "text/html" });
  delete request.headers["HX-Current-URL"]; // our own address is nothing to the server
}

/** Look at an answer before htmx does: it may say that we are signed out, or lead to a page, which a tab shows. */
function look(event: Event): void {
  const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
  if (ENDS.includes(xhr.status)) {
    event.preventDefault();
    askHowThingsStand();
  }
  const elsewhere = xhr.getResponseHeader("HX-Redirect") ?? xhr.getResponseHeader("HX-Location");
  if (!elsewhere || event.defaultPrevented) return;
  event.preventDefault();
  openPlace(elsewhere);
}

/** A form that is not htmx's would lead this page away: what it asks for opens in a tab. */
function stopPlainForm(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented) return;
  event.preventDefault();
  const fields = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  if (form.method === "get") openPlace(`${form.getAttribute("action")}?${fields}`);
}

/** A link that has no address of its own here, such as one into this page's tabs, leads nowhere by itself. */
function stopPlainLink(event: MouseEvent): void {
  const link = (event.target as Element).closest("a");
  const leadsOn = !link || link.target === "_blank" || /^(#|tel:|mailto:)/.test(link.getAttribute("href") ?? "#");
  if (!leadsOn) event.preventDefault();
}

function openPlace(path: string): void {
  const url = new URL(path, pairing.server);
  if (url.origin === pairing.server) void chrome.tabs.create({ url: url.href });
}
