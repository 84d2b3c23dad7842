// The compose window: recipients as chips, a subject, an editor, Send and Discard; drafts are saved as one types.

let count = 0;

const MARKUP = `
<div><div><div jsaction="none"><div class="aoI" role="region"><table class="aoP aoC"><tbody><tr><td class="I5">
  <div class="nH Hy aXJ"><table class="cf Ht"><tbody><tr><td><div class="Hp"><h2 class="a3E"><div class="aYF">New Message</div></h2></div></td>
    <td class="Hm"><img class="Hl" alt="Minimize"><img class="Hq aUG" alt="Full screen"><img class="Ha" alt="Save and close"></td></tr></tbody></table></div>
  <form class="bAs" onsubmit="return false">
    <input type="hidden" name="composeid"><input type="hidden" name="draft"><input type="hidden" name="rm" value="undefined"><input type="hidden" name="lts" value="">
    <input type="hidden" name="ishtml" value="1">
    <div><table class="GS"><tbody><tr class="bzf"><td class="eV"><div><div>
      <div class="anm" name="to"><div><div><div><div><div role="listbox"><div><div></div></div></div></div></div></div></div></div>
      <div class="anm" name="cc"><div><div><div><div><div role="listbox"><div><div></div></div></div></div></div></div></div></div>
      <div class="anm" name="bcc"><div><div><div><div><div role="listbox"><div><div></div></div></div></div></div></div></div></div>
    </div></div></td></tr></tbody></table></div>
    <input aria-label="To recipients" class="agP" autocomplete="off">
    <input name="subjectbox" placeholder="Subject" aria-label="Subject" class="aoT">
  </form>
  <table class="iN"><tbody><tr><td class="Ap"><div class="J-J5-Ji"><div class="J-JN-M-I-Jm"><img class="Un" alt=""></div></div>
    <div class="GP" style="max-height: 300px"><div class="qz"><div class="Am Al editable" aria-label="Message Body" role="textbox" contenteditable="true" g_editable="true"></div></div></div></td></tr>
  <tr><td class="aDg"><div class="aDj"><div class="aDh"><table class="IZ"><tbody><tr class="btC">
    <td class="gU Up"><div class="J-J5-Ji"><div class="T-I T-I-atl L3" role="button" tabindex="1">Send</div><div class="T-I hG" role="button" aria-haspopup="true" aria-label="More send options"></div></div>
      <div class="J-M" role="menu" style="display: none"><div role="menuitem" selector="scheduledSend">Schedule send</div></div></td>
    <td class="oc gU"><div class="aX" style="display: none"><div class="aA4"></div></div><div role="button" aria-label="Formatting options"><div class="dv"></div></div></td>
    <td class="gU"><div class="bAK"><div class="wG" role="button">Files</div></div><div class="eq" style="left: 0px"></div></td>
    <td class="gU"><div class="oh" role="button" aria-label="Discard draft" tabindex="1">Discard</div></td>
  </tr></tbody></table></div></div></td></tr></tbody></table>
</td></tr></tbody></table></div></div></div></div>`;

function makeChip(email) {
  const chip = document.createElement("div");
  chip.setAttribute("role", "option");
  chip.setAttribute("data-name", email);
  chip.setAttribute("data-hovercard-id", email);
  chip.textContent = email;
  return chip;
}

class Compose {
  constructor({ to = [], cc = [], subject = "", body = "", plain = false, id = null, reply = null } = {}) {
    count += 1;
    this.id = id ?? `msg-a:r${Date.now()}${count}`; // an undone mail comes back under the id it had
    this.threadId = `thread-a:r${Date.now()}${count}`;
    this.saved = false;
    this.plain = plain;
    this.reply = reply;
    this.frame = reply ? this.makeInline() : this.makeWindow();
    this.dialog.innerHTML = MARKUP;
    this.find("[name=composeid]").value = String(count);
    this.find("[name=draft]").value = `#${this.id}`;
    if (reply) this.find("[name=rm]").value = `#${reply.message_id}`;
    if (reply) this.find("[name=lts]").value = reply.thread_id;
    this.find("[name=ishtml]").value = plain ? "0" : "1";
    this.find(".GP").id = `:gp${count}`;
    this.body.id = `:b${count}`;
    this.find("[name=subjectbox]").value = subject;
    this.body.innerHTML = body;
    to.forEach((email) => this.addRecipient("to", email));
    cc.forEach((email) => this.addRecipient("cc", email));
    this.listen();
    if (reply) document.querySelector(".h7 .ip").classList.add("adB");
    else document.querySelector(".dw .no").append(this.frame);
  }

  makeWindow() {
    const frame = document.createElement("div");
    frame.className = "nH nn";
    frame.innerHTML = `<div class="nH"><div class="AD"><div class="nH"><div class="nH Hd compose" role="dialog" aria-label="New Message" id=":c${count}"></div></div></div></div>`;
    this.dialog = frame.querySelector("[role=dialog]");
    return frame;
  }

  /** A reply stands below the message it answers. */
  makeInline() {
    const frame = document.createElement("div");
    frame.className = "M9";
    this.dialog = frame;
    document.querySelector(".h7 .ip").append(frame);
    return frame;
  }

  find(selector) {
    return this.dialog.querySelector(selector);
  }

  get body() {
    return this.find("[g_editable]");
  }

  addRecipient(kind, email) {
    this.find(`.anm[name=${kind}] [role=listbox] > div > div`).append(makeChip(email));
  }

  listen() {
    this.find("[aria-label='To recipients']").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      this.addRecipient("to", event.target.value.trim());
      event.target.value = "";
    });
    this.body.addEventListener("input", () => this.save());
    this.body.addEventListener("keydown", (event) => event.isTrusted || this.save());
    this.find("[name=subjectbox]").addEventListener("input", () => this.save());
    this.find(".T-I-atl").addEventListener("click", () => this.send());
    this.find(".oh").addEventListener("click", () => this.frame.remove());
  }

  read() {
    const addresses = (kind) => [...this.dialog.querySelectorAll(`.anm[name=${kind}] [role=option]`)].map((chip) => chip.dataset.hovercardId);
    const body = this.plain ? this.body.innerText : `<div dir="ltr">${this.body.innerHTML}</div>`;
    return { id: this.id, threadId: this.threadId, to: addresses("to"), cc: addresses("cc"), bcc: addresses("bcc"), subject: this.find("[name=subjectbox]").value, body };
  }

  save() {
    const isFirst = !this.saved;
    this.saved = true;
    this.saving = (this.saving ?? Promise.resolve()).then(() => window.gmailWire.saveDraft(this.read(), isFirst));
  }

  async send() {
    const mail = this.read();
    this.frame.remove();
    await window.gmailWire.send(mail);
    const notice = document.querySelector(".b8 .vh:not(.inboxsdk__butterbar)");
    notice.textContent = "Message sent";
    document.body.dataset.sent = String(Number(document.body.dataset.sent ?? 0) + 1); // stays, for tests
    setTimeout(() => notice.replaceChildren(), 1000); // Gmail's own goes after some ten
  }
}

document.querySelector("[gh=cm]").addEventListener("click", () => new Compose());
window.openCompose = (options) => void new Compose(options);
