// The thread list and one open thread, with the classes, roles and attributes that Gmail's have (read 2026-11 from
// @inboxsdk/core's selectors; text goes in as text, mail bodies as Gmail shows them: images through its proxy).

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function makePerson(person) {
  return make("span", { class: "yP", email: person.email, name: person.name }, person.name);
}

function makeRow(thread, index) {
  const ids = { class: "bqe", "data-thread-id": `#${thread.sync_id}`, "data-legacy-thread-id": thread.id };
  const subject = make("span", { id: `:s${index}`, class: "bog" }, make("span", ids, thread.subject));
  const text = make("div", { class: "xT" }, make("div", { class: "yi" }), make("div", { class: "y6" }, subject, make("span", { class: "y2" }, ` - ${thread.snippet}`)));
  const row = make(
    "tr", { class: "zA yO", id: `:r${index}`, tabindex: "-1", role: "row" },
    make("td", { class: "oZ-x3 xY" }, make("div", { role: "checkbox", "aria-checked": "false" })),
    make("td", { class: "yX xY" }, make("div", { class: "yW" }, ...thread.people.map(makePerson))),
    make("td", { class: "xY a4W" }, make("div", { class: "xS", role: "link" }, text)),
    make("td", { class: "yf xY" }),
    make("td", { class: "xW xY" }, make("span", { title: thread.date }, thread.date)),
  );
  row.addEventListener("click", (event) => {
    if (!event.target.closest("[role=checkbox]")) location.hash = `${location.hash.slice(1).split("/")[0] || "inbox"}/${thread.id}`;
  });
  return row;
}

function makeList(threads) {
  const body = make("tbody", {}, ...threads.map(makeRow));
  const table = make("div", { class: "Cp" }, make("div", {}, make("table", { class: "F cf zt", role: "grid" }, make("colgroup"), body)));
  return make("div", { class: "bGI nH" }, make("div", { gh: "tl" }, table));
}

function makeMessage(message) {
  const sender = make("h3", { class: "iw" }, make("span", { class: "gD", email: message.from.email, name: message.from.name }, message.from.name));
  const recipients = message.to.map((person) => make("span", { class: "g2", email: person.email, name: person.name }, person.name));
  const head = make("table", { class: "cf gJ" }, make("tbody", {}, make("tr", { class: "acZ" }, make("td", { class: "gF gK" }, sender), make("td", { class: "gH" }, make("span", { class: "g3", title: message.date }, message.date)))));
  const body = make("div", { class: "ii gt" });
  body.innerHTML = message.html;
  const ids = { class: "adn ads", "data-message-id": `#msg-f:${message.id}`, "data-legacy-message-id": message.id };
  return make("div", { class: "h7", role: "listitem" }, make("div", { class: "Bk" }, make("div", ids, head, make("div", { class: "hb" }, ...recipients), body)), make("div", { class: "ip" }));
}

function makeThread(thread) {
  const ids = { class: "hP", "data-thread-perm-id": thread.sync_id, "data-legacy-thread-id": thread.id };
  const heading = make("div", { class: "nH V8djrc byY" }, make("div", { class: "ha" }, make("h2", ids, thread.subject)));
  const messages = make("div", { class: "nH" }, make("div", { role: "list" }, ...thread.messages.map(makeMessage)));
  return make("div", { class: "nH" }, make("div", { class: "g id" }, make("div", { class: "a98 iY" }, heading, messages)));
}

/** Show a view as Gmail does: the one shown is displayed and has role=main, the others stay, hidden, without the role. */
function show(view) {
  const views = document.getElementById("views");
  for (const other of views.children) other.remove();
  view.setAttribute("role", "main");
  views.append(view);
}

async function route() {
  const [name, id] = (location.hash.slice(1) || "inbox").split("/");
  if (id) show(makeThread(await window.gmailWire.thread(id)));
  else show(makeList((await window.gmailWire.list(`in:${name}`)).threads));
}

document.getElementById("account").textContent = window.GLOBALS[10];
window.addEventListener("hashchange", route);
document.querySelector(".T-I.nu").addEventListener("click", route);
route();
