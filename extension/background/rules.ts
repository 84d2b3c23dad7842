// The member's own pixels do not load in this browser (T12): dynamic declarativeNetRequest rules, two for each sender key.
//
// Gmail shows images through Google's proxy, under `https://ci3.googleusercontent.com/…#<original address>`; the rule engine
// sees that fragment. Other people's pixels, and those of other senders of the same installation, load as ever.

const IMAGES = ["image", "other", "ping", "xmlhttprequest"] satisfies `${chrome.declarativeNetRequest.ResourceType}`[];
const PREFIX = /^https?:\/\/[^\s*^|#?]+\/o\/[\w-]+\/$/;

/** Block the pixels below `prefixes` (`https://edge/o/<sender-key>/`) and no others any more. */
export async function blockOwnPixels(prefixes: string[]): Promise<void> {
  const old = await chrome.declarativeNetRequest.getDynamicRules();
  const filters = prefixes.filter((prefix) => PREFIX.test(prefix)).flatMap(filtersFor);
  await chrome.declarativeNetRequest.updateDynamicRules({
    removeRuleIds: old.map(({ id }) => id),
    addRules: filters.map((urlFilter, index) => ({
      id: index + 1,
      condition: { urlFilter, isUrlFilterCaseSensitive: true, resourceTypes: IMAGES as chrome.declarativeNetRequest.ResourceType[] },
      action: { type: "block" as chrome.declarativeNetRequest.RuleActionType },
    })),
  });
}

/** Directly, and behind the proxy's address. */
function filtersFor(prefix: string): string[] {
  return [`|${prefix}`, `||googleusercontent.com/*#${prefix}`];
}
