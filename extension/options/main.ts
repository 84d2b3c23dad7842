// The options page: pair with a server, sign out, and three switches.

import "../lib/language";
import { originsOf, VERSION } from "../lib/api";
import { find } from "../lib/page";
import { ask, type Choices, type Failure, type Standing } from "../lib/messages";
import { onStored } from "../lib/store";
import { showTrouble } from "../lib/trouble";
import { sayAll, say } from "../lib/words";
import { readServer } from "./address";
import { nameDevice } from "./device";

const form = find<HTMLFormElement>("pairing");
const server = find<HTMLInputElement>("server");
const device = find<HTMLInputElement>("device");
let changing = 0; // choices on their way: what was read before them is old

sayAll(document);
document.title = say("optionsTitle");
device.value = nameDevice();
find("version").textContent = say("versionIs", VERSION);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void pair();
});
find("sign-out").addEventListener("click", () => void signOut());
find("choices").addEventListener("change", (event) => void changeChoice(event.target as HTMLInputElement));
onStored(["pairing", "status", "choices", "trouble"], () => void show());
void show();
void ask("refreshStanding", {});

async function show(): Promise<void> {
  const answer = await ask("readStanding", {});
  if (!answer.ok) return showFailure(answer.failure);
  const standing = answer.value;
  const isPaired = standing.member !== "";
  form.hidden = isPaired;
  find("paired").hidden = !isPaired;
  if (isPaired) showPaired(standing);
  else if (!server.value) server.value = standing.server;
  for (const box of changing ? [] : find("choices").querySelectorAll("input")) box.checked = standing.choices[box.name as keyof Choices];
  const isNew = !standing.server && standing.failure?.kind === "signedOut"; // the form says it all
  showFailure(isNew ? null : standing.failure);
}

function showPaired({ member, server: url, mailboxes }: Standing): void {
  find("member").textContent = member;
  const link = find<HTMLAnchorElement>("address");
  link.href = url;
  link.textContent = url.replace(/^https?:\/\//, "");
  const addresses = mailboxes.map(({ address }) => address).join(", ");
  find("mailboxes").textContent = addresses ? say("mailboxesAre", addresses) : say("noMailboxes");
}

async function pair(): Promise<void> {
  showServerError("");
  const url = readServer(server.value);
  if (!url) return showServerError(say("serverFaulty"));
  // First of all, while the click counts: a browser asks the member only then.
  if (!(await chrome.permissions.request({ origins: originsOf(url) }))) return showServerError(say("serverNotAllowed"));
  await busily(find<HTMLButtonElement>("pair"), async () => {
    const answer = await ask("pair", { server: url, device: device.value.trim() || nameDevice() });
    if (!answer.ok) return showFailure(answer.failure);
    server.value = url;
    await show();
    announce(say("pairedNow"));
  });
}

async function signOut(): Promise<void> {
  await busily(find<HTMLButtonElement>("sign-out"), async () => {
    await ask("signOut", {});
    await show();
    announce(say("signedOutNow"));
    server.focus();
  });
}

async function changeChoice(box: HTMLInputElement): Promise<void> {
  changing += 1;
  await ask("changeChoices", { choices: { [box.name]: box.checked } }).finally(() => (changing -= 1));
  announce(say("saved"));
}

async function busily(button: HTMLButtonElement, act: () => Promise<void>): Promise<void> {
  button.disabled = true;
  await act().finally(() => (button.disabled = false));
}

function showServerError(message: string): void {
  const place = find("server-error");
  place.textContent = message;
  place.hidden = !message;
  server.setAttribute("aria-invalid", String(Boolean(message)));
  if (message) server.focus();
}

function showFailure(failure: Failure | null): void {
  showTrouble(failure);
}

function announce(words: string): void {
  find("said").textContent = words;
}
