// Takes the member's own pixels out of a mail's HTML, and leaves every other character as it was.

const IMAGE = /<img\b(?:[^>"']|"[^"]*"|'[^']*')*>/gi;

/**
 * Return `html` without the images whose address begins with one of `prefixes`, directly or behind Google's image proxy
 * (`https://ci3.googleusercontent.com/…#<address>`): a pixel that was quoted would report the wrong person.
 */
export function stripOwnPixels(html: string, prefixes: readonly string[]): string {
  if (!prefixes.length) return html;
  return html.replace(IMAGE, (image) => (isOwn(image, prefixes) ? "" : image));
}

function isOwn(image: string, prefixes: readonly string[]): boolean {
  const readable = image.replaceAll("&amp;", "&");
  return prefixes.some((prefix) => readable.includes(prefix));
}
