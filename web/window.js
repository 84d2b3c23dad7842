// The floating window: a window of its own, which outlives the page that opened it, and which the browser keeps on top
// where it can (Document Picture-in-Picture). That lives as long as the page that asked for it; so the small window asks.

const NAME = "warmline-feed";
const APP = "warmline"; // links of the floating window open here
const FEATURES = "popup,width=380,height=720";
const NOTE_HEIGHT = 260;

/** Open the floating window from the app's pages; inside of it, offer to keep it on top. */
export function keepWindow() {
  if (document.body.hasAttribute("data-window")) return keepFloating();
  window.name ||= APP;
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a[data-open-window]");
    if (link instanceof HTMLAnchorElement && openWindow(link.href)) event.preventDefault();
  });
}

/** Open the window, or show the one that is open; return whether the browser let us. @param {string} url */
function openWindow(url) {
  const floating = open("", NAME, FEATURES);
  if (!floating) return false;
  if (floating.location.href === "about:blank") floating.location.href = url;
  floating.focus();
  return true;
}

function keepFloating() {
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a[href^='tel:'], a[href^='mailto:']");
    if (link instanceof HTMLAnchorElement) link.target = "_self"; // a call needs no page
  });
  const pin = /** @type {HTMLElement} */ (document.querySelector("[data-keep-on-top]"));
  if (!("documentPictureInPicture" in window) || window.parent !== window) return;
  pin.hidden = false;
  pin.addEventListener("click", () => keepOnTop(pin));
}

/** Show the feed in a window above all others; this one keeps it alive. @param {HTMLElement} pin */
async function keepOnTop(pin) {
  const { documentPictureInPicture } = /** @type {any} */ (window);
  const size = { width: innerWidth, height: innerHeight };
  /** @type {Window} */
  const top = await documentPictureInPicture.requestWindow(size);
  for (const style of document.querySelectorAll("link[rel=stylesheet]")) top.document.head.append(style.cloneNode());
  const frame = top.document.createElement("iframe");
  frame.src = location.pathname;
  frame.title = top.document.title = document.title;
  frame.className = "window-frame";
  top.document.body.append(frame);

  const note = /** @type {HTMLElement} */ (document.getElementById("window-on-top"));
  document.getElementById("window")?.remove();
  document.dispatchEvent(new Event("warmline:floated")); // its rows need no stream any more
  note.hidden = false;
  pin.hidden = true;
  resizeTo(outerWidth, NOTE_HEIGHT);
  note.querySelector("[data-bring-back]")?.addEventListener("click", () => top.close());
  top.addEventListener("pagehide", () => {
    resizeTo(outerWidth, size.height + outerHeight - innerHeight);
    location.reload();
  });
}
