// Says what does not work in Gmail's page: by name, once, in the console; the member's Gmail goes on as if we were not there.

const told = new Set<string>();

/** Say that `name` failed, the first time only. */
export function report(name: string, error?: unknown): void {
  if (told.has(name)) return;
  told.add(name);
  console.warn(`Warmline: ${name} is not where it was expected on this page.`, error instanceof Error ? error.message : (error ?? ""));
}

/** Do something that Gmail's page may make impossible; whatever it throws is reported under `name`. */
export async function attempt(name: string, act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    report(name, error);
  }
}
