// What this browser calls itself towards the server, as a suggestion that the member may change.

const NAMES = [
  ["Microsoft Edge", "Edge"],
  ["Google Chrome", "Chrome"],
  ["Brave", "Brave"],
  ["Opera", "Opera"],
  ["Chromium", "Chromium"],
] as const;

interface UserAgentData {
  brands: { brand: string }[];
  platform: string;
}

/** Return "Chrome on Linux" or the like. */
export function nameDevice(): string {
  const { userAgentData } = navigator as Navigator & { userAgentData?: UserAgentData };
  const brands = userAgentData?.brands.map(({ brand }) => brand) ?? [];
  const name = NAMES.find(([brand]) => brands.includes(brand))?.[1] ?? "Chromium";
  return userAgentData?.platform ? `${name} on ${userAgentData.platform}` : name;
}
