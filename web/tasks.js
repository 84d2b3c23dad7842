// Tasks between days: by dragging with a mouse, by Alt and the arrow keys. Each move sends the row's own form.

import htmx from "htmx.org";

const ROW = "[data-task]";
const DAY = "[data-day].task-day";

/** Let the rows of every task panel, also of those that come later, be moved; keep the panel still meanwhile. */
export function keepTasks() {
  document.addEventListener("dragstart", start);
  document.addEventListener("dragover", hover);
  document.addEventListener("drop", drop);
  document.addEventListener("dragend", end);
  document.addEventListener("keydown", moveByKey);
  document.addEventListener("htmx:beforeRequest", wait);
  document.addEventListener("toggle", catchUp, true);
}

/** @type {HTMLElement | null} */
let dragged = null;
let isWaiting = false;

/** @param {DragEvent} event */
function start(event) {
  const row = /** @type {Element} */ (event.target).closest?.(ROW);
  if (!(row instanceof HTMLElement) || !event.dataTransfer) return;
  dragged = row;
  row.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
}

/** @param {DragEvent} event */
function hover(event) {
  const day = dragged && findDay(event);
  for (const other of document.querySelectorAll(`${DAY}.is-target`)) other.classList.toggle("is-target", other === day);
  if (!day || !event.dataTransfer) return;
  day.classList.add("is-target");
  event.dataTransfer.dropEffect = "move";
  event.preventDefault();
}

/** @param {DragEvent} event */
function drop(event) {
  const day = dragged && findDay(event);
  if (!dragged || !day) return;
  event.preventDefault();
  if (!day.contains(dragged)) move(dragged, day);
}

function end() {
  dragged?.classList.remove("is-dragged");
  for (const day of document.querySelectorAll(`${DAY}.is-target`)) day.classList.remove("is-target");
  dragged = null;
  catchUp();
}

/** @param {DragEvent} event */
function findDay(event) {
  const day = /** @type {Element} */ (event.target).closest?.(DAY);
  return day instanceof HTMLElement ? day : null;
}

/** @param {KeyboardEvent} event */
function moveByKey(event) {
  if (!event.altKey || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
  const row = /** @type {Element} */ (event.target).closest(ROW);
  if (!(row instanceof HTMLElement)) return;
  const days = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(DAY)]);
  const here = days.findIndex((day) => day.contains(row));
  const day = days[event.key === "ArrowDown" ? here + 1 : here - 1]; // from the overdue ones, down is the first day
  if (!day) return;
  event.preventDefault();
  move(row, day);
}

/** @param {HTMLElement} row @param {HTMLElement} day */
function move(row, day) {
  const form = row.querySelector("form[data-move]");
  if (!(form instanceof HTMLFormElement)) return;
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("on"));
  field.value = day.dataset.day ?? "";
  form.requestSubmit();
}

/** Close the menu that an act was chosen in; let no panel redraw itself under a hand. @param {Event} event */
function wait(event) {
  const source = /** @type {HTMLElement} */ (event.target);
  const menu = source.closest(".task-menu");
  if (menu instanceof HTMLElement && menu.matches(":popover-open")) menu.hidePopover();
  if (source.id !== "task-groups" || !isBusy()) return;
  isWaiting = true;
  event.preventDefault();
}

function isBusy() {
  return Boolean(dragged || document.querySelector("#task-groups :popover-open"));
}

function catchUp() {
  if (!isWaiting || isBusy()) return;
  isWaiting = false;
  htmx.trigger("#task-groups", "tasks:refresh", {});
}
