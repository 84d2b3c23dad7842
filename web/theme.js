// Light or dark: the system's choice until the member makes one; a cookie keeps it so that the first paint is right.

const YEAR_SECONDS = 31_536_000;

/** Let every `[data-theme-toggle]` button switch between light and dark. */
export function keepTheme() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.removeAttribute("hidden");
    button.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
    button.setAttribute("aria-pressed", String(isDark()));
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** @param {"light" | "dark"} theme */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-pressed", String(theme === "dark"));
  }
}
