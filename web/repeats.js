// Repeated rows as one: neighbours of the same person, kind and mail fold under the newest, which says how many they are.

/** The groups that the reader opened, by the id of their oldest row, which newer rows do not change. @type {Set<string>} */
const opened = new Set();

/**
 * Return the groups of neighbours with the same key, as [first, last] indices; single rows are groups of one.
 * @param {string[]} keys
 * @returns {[number, number][]}
 */
export function findGroups(keys) {
  /** @type {[number, number][]} */
  const groups = [];
  keys.forEach((key, index) => {
    if (index && key === keys[index - 1]) groups[groups.length - 1][1] = index;
    else groups.push([index, index]);
  });
  return groups;
}

/** Fold what repeats in `list`, whose days are marked; an opened group stays open. @param {HTMLElement} list */
export function foldRepeats(list) {
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(":scope > li[data-at]")]);
  let day = 0;
  const keys = rows.map(({ dataset: { who, kind, what, day: heading } }) => {
    if (heading) day += 1;
    return JSON.stringify([day, who, kind, what]);
  });
  for (const [first, last] of findGroups(keys)) showGroup(rows.slice(first, last + 1));
}

/** Let the counts of `feed` open and close their groups. @param {HTMLElement} feed @param {AbortSignal} signal */
export function keepFolds(feed, signal) {
  feed.addEventListener("click", listen, { signal });

  /** @param {MouseEvent} event */
  function listen(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest(".row-times");
    const oldest = button?.getAttribute("data-oldest");
    const list = button?.closest("ol");
    if (!oldest || !list) return;
    if (!opened.delete(oldest)) opened.add(oldest);
    foldRepeats(list);
  }
}

/** @param {HTMLElement[]} rows */
function showGroup(rows) {
  const oldest = rows[rows.length - 1].id;
  const isOpen = opened.has(oldest);
  rows.forEach((row, index) => {
    const button = /** @type {HTMLButtonElement | null} */ (row.querySelector(".row-times"));
    if (!button) return; // an interval in which nothing was seen
    button.hidden = index > 0 || rows.length === 1;
    row.classList.toggle("row-folded", index > 0 && !isOpen);
    row.classList.toggle("row-repeat", index > 0);
    if (button.hidden) return;
    button.setAttribute("aria-expanded", String(isOpen));
    button.dataset.oldest = oldest;
    const words = row.closest("#feed")?.getAttribute("data-times") ?? "{count}";
    button.textContent = words.replace("{count}", String(rows.length));
  });
}
