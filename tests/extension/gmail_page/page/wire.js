// Gmail's requests, in the shape of its sync API as @inboxsdk/core 2.2.26 reads it (sync-compose-processor-20220909).

const HEADERS = { "X-Gmail-BTAI": "btai", "X-Framework-Xsrf-Token": "xsrf", "Content-Type": "application/json" };
const DRAFT = ["^r", "^r_bt"];
const SENT = ["^pfg"];

/** Gmail's own code uses XMLHttpRequest for this, and that is what extensions see. */
function post(path, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
    request.onload = () => (request.status === 200 ? resolve(JSON.parse(request.responseText)) : reject(new Error(String(request.status))));
    request.onerror = () => reject(new Error("network"));
    request.send(JSON.stringify(body));
  });
}

function toContacts(addresses) {
  return addresses.map((email) => [1, email, null]);
}

function toMessage(mail, actions) {
  const message = [];
  message[0] = mail.id;
  message[2] = toContacts(mail.to);
  message[3] = toContacts(mail.cc);
  message[4] = toContacts(mail.bcc);
  message[7] = mail.subject;
  message[8] = [null, [[0, mail.body]]];
  message[10] = actions;
  return Array.from(message, (part) => part ?? null);
}

/** Wrap one message as an update of its thread; the first save of a draft stands elsewhere than later ones. */
function toUpdate(mail, actions, isFirst) {
  const message = toMessage(mail, actions);
  const change = isFirst ? [null, [message]] : Array.from({ length: 14 }, (_, index) => (index === 13 ? [message] : null));
  return [null, [[[null, [mail.threadId, change]]]]];
}

window.gmailWire = {
  saveDraft: (mail, isFirst) => post("/sync/u/0/i/s?hl=en&c=1&rt=r&pt=ji", toUpdate(mail, DRAFT, isFirst)),
  send: (mail) => post("/sync/u/0/i/s?hl=en&c=2&rt=r&pt=ji", toUpdate(mail, SENT, false)),
  list: (query) => post("/sync/u/0/i/bv?hl=en&c=0&rt=r&pt=ji", [[49, 50, null, query, null, null, null, null, null, 0]]),
  thread: (id) => fetch(`/page/threads/${id}`).then((answer) => answer.json()),
};
