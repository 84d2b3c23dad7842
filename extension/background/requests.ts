// What pages and content scripts ask of the worker, by name, and who may ask what.

import { Failed, makeFailure } from "../lib/failures";
import { readLocal, writeLocal, type Pairing } from "../lib/store";
import { insertContent, listContents } from "./contents";
import { cancelMail, prepareMail, readMarks } from "./mail";
import { pair, signOut } from "./pairing";
import { noteFailure, readStanding, refreshStanding, showStanding } from "./standing";
import { forgetTab, openThread } from "./threads";
import type { Answer, Choices, Request, RequestName, Requests, Standing } from "../lib/messages";

type Sender = chrome.runtime.MessageSender;
type Handlers = { [K in RequestName]: (question: Requests[K]["ask"], sender: Sender) => Promise<Requests[K]["answer"]> };

const HANDLERS: Handlers = {
  readStanding: () => readStanding(),
  refreshStanding: () => refreshStanding(),
  changeChoices: ({ choices }) => changeChoices(choices),
  pair: ({ server, device }) => pair(server, device),
  signOut: () => signOut(),
  prepareMail: ({ mail }) => withServer((pairing) => prepareMail(pairing, mail)),
  cancelMail: ({ id }) => withServer((pairing) => cancelMail(pairing, id)),
  threadOpened: ({ thread }, sender) => nothing(openThread(tabOf(sender), thread)),
  threadClosed: ({ gmailThreadId }, sender) => nothing(forgetTab(tabOf(sender), gmailThreadId)),
  readMarks: ({ gmailThreadIds }) => withServer((pairing) => readMarks(pairing, gmailThreadIds)),
  listContents: ({ kind, query }) => withServer((pairing) => listContents(pairing, kind, query)),
  insertContent: ({ kind, id, to }) => withServer((pairing) => insertContent(pairing, kind, id, to)),
  openSidePanel: (_question, sender) => nothing(chrome.sidePanel.open({ tabId: tabOf(sender) })),
  openOptions: () => nothing(chrome.runtime.openOptionsPage()),
};

/** Content scripts share a process with Gmail's page: what changes the pairing is for our own pages only. */
const OWN_PAGES_ONLY: RequestName[] = ["pair", "signOut", "changeChoices"];

/** Answer `message` through `respond`, later; say false to what is not ours (InboxSDK listens, too). */
export function answer(message: Request, sender: Sender, respond: (answer: Answer<unknown>) => void): boolean {
  if (!Object.hasOwn(HANDLERS, message.type) || sender.id !== chrome.runtime.id) return false;
  if (OWN_PAGES_ONLY.includes(message.type) && sender.origin !== location.origin) return false;
  const handle = HANDLERS[message.type] as (question: Request, sender: Sender) => Promise<unknown>;
  handle(message, sender).then(
    (value) => respond({ ok: true, value }),
    (error) => respond({ ok: false, failure: failureOf(error) }),
  );
  return true;
}

async function changeChoices(choices: Partial<Choices>): Promise<Standing> {
  await writeLocal({ choices: { ...(await readLocal("choices")), ...choices } });
  return showStanding();
}

/** Run `act` with the pairing; what it says of the pairing itself is remembered and shown. */
async function withServer<T>(act: (pairing: Pairing) => Promise<T>): Promise<T> {
  const pairing = await readLocal("pairing");
  if (!pairing?.token) throw new Failed((await readStanding()).failure ?? makeFailure("signedOut"));
  try {
    const value = await act(pairing);
    if (await readLocal("trouble")) void refreshStanding();
    return value;
  } catch (error) {
    if (error instanceof Failed && error.failure.kind !== "refused") await noteFailure(pairing, error);
    throw error;
  }
}

function failureOf(error: unknown) {
  if (error instanceof Failed) return error.failure;
  console.error(error);
  return { ...makeFailure("serverAway"), message: String(error) };
}

function tabOf({ tab }: Sender): number {
  return tab?.id ?? chrome.tabs.TAB_ID_NONE;
}

async function nothing(act: Promise<unknown>): Promise<null> {
  await act;
  return null;
}
