// Takes the member's own pixels out of a mail's HTML, and leaves every other character as it was.

// Bounded, so that no quoted mail, whatever it holds, can keep a member's mail waiting.
const IMAGE = /<img\b(?:[^>"']|"[^"]{0,8192}"|'[^']{0,8192}'){0,4096}>/gi;

/**
 * Return `html` without the images whose address begins with one of `prefixes`, directly or behind Google's image proxy
 * (`https://ci3.googleusercontent.com/…#<address>`): a pixel that was quoted would report the wrong person.
 */
export function stripOwnPixels(html: string, prefixes: readonly string[]): string {
  const isOwn = (text: string) => prefixes.some((prefix) => text.includes(prefix));
  return isOwn(html) ? html.replace(IMAGE, (image) => (isOwn(image) ? "" : image)) : html;
}
