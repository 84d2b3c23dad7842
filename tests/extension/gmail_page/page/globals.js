// What Gmail's page defines before it draws anything: the account, its language, its tokens. Filled in by the server.
const account = new URLSearchParams(document.cookie.replaceAll("; ", "&")).get("account") ?? "riley@warmline.example";
window.GLOBALS = [];
window.GLOBALS[4] = "gmail.en";
window.GLOBALS[9] = "0123456789";
window.GLOBALS[10] = account;
window.GLOBALS[17] = [];
window.GM_SPT_ENABLED = "true";
window.GM_ACTION_TOKEN = "action-token";
window.gmonkey = { load: (_version, ready) => ready({ isConversationViewDisabled: () => false }) };
