// The server's address as people type it.

const LOOPBACK = ["127.0.0.1", "localhost"];

/** Return the origin of `typed`, or null where it is no https address, nor http on this very machine. */
export function readServer(typed: string): string | null {
  const text = typed.trim();
  const isLocal = LOOPBACK.some((name) => text === name || text.startsWith(`${name}:`) || text.startsWith(`${name}/`));
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `${isLocal ? "http" : "https"}://${text}`;
  if (!URL.canParse(whole)) return null;
  const url = new URL(whole);
  if (url.username || url.password || !url.hostname) return null;
  const isAllowed = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.includes(url.hostname));
  return isAllowed ? url.origin : null;
}
