// Warmline's snippet: reports which pages a person whom this site has identified looks at. No cookie, no fingerprint.
(() => {
  const script = document.currentScript;
  const address = script.src.replace(/\/s\/([^/]+)\.js.*$/, "/w/$1");
  const isUnwanted = navigator.globalPrivacyControl || navigator.doNotTrack === "1";
  let visitor, isTold;

  const keep = (text) => {
    try {
      if (text === undefined) return localStorage.getItem("warmline");
      if (text) localStorage.setItem("warmline", text);
      else localStorage.removeItem("warmline");
    } catch {} // storage is off: this page only
  };
  const visit = () => {
    if (!visitor) return;
    const page = { url: location.origin + location.pathname, title: document.title };
    isTold = navigator.sendBeacon(address, JSON.stringify({ ...JSON.parse(visitor), ...page }));
  };
  const identify = (email, signature = "") => {
    const known = visitor;
    visitor = isUnwanted ? "" : JSON.stringify({ email, signature });
    keep(visitor);
    if (visitor !== known || !isTold) visit();
  };
  const forget = () => keep((visitor = ""));
  const start = () => {
    visitor = isUnwanted ? forget() : keep();
    const { email, signature } = script.dataset;
    email ? identify(email, signature) : visit();
  };

  window.warmline = { identify, visit, forget };
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
