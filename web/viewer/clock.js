// How long each page was in view: runs while somebody looks, stops with a hidden tab, an idle reader, a sleeping machine.

const IDLE_MS = 120_000; // a page of plain text takes less; whoever reads on moves sooner or later
const ELSEWHERE_IDLE_MS = 30_000; // the window is in sight, but another one has the focus
const STEP_MS = 5000; // more between two ticks was not looking but sleep
const PART_MS = 600_000; // a visit ends after ten idle minutes

/**
 * @typedef {object} Times What is needed of the browser, so that a test can be the clock.
 * @property {() => number} now monotonic milliseconds
 * @property {() => number} wall milliseconds since the epoch
 */

/** Counts milliseconds by page. */
export class ReadingClock {
  /** @param {Times} times */
  constructor(times) {
    this.times = times;
    /** @type {Map<number, number>} */
    this.ms = new Map();
    this.page = 0;
    this.part = 0;
    this.isVisible = false;
    this.isFocused = true;
    this.since = times.now();
    this.activeAt = times.now();
    this.countedAt = times.wall();
  }

  /** All milliseconds of this part. */
  get total() {
    let sum = 0;
    for (const ms of this.ms.values()) sum += ms;
    return sum;
  }

  /** Count what has passed since the last call for the page that was in view. */
  settle() {
    const now = this.times.now();
    const until = Math.min(now, this.activeAt + this.#patience());
    const passed = until - this.since;
    if (this.isVisible && this.page && passed > 0 && now - this.since <= STEP_MS) {
      this.ms.set(this.page, (this.ms.get(this.page) ?? 0) + passed);
      this.countedAt = this.times.wall();
    }
    this.since = now;
  }

  /** The reader did something. Return whether a new visit begins with it. */
  touch() {
    this.settle();
    this.activeAt = this.times.now();
    if (this.times.wall() - this.countedAt < PART_MS || !this.isVisible) return false;
    this.part += 1;
    this.ms.clear();
    this.countedAt = this.times.wall();
    return true;
  }

  /** Another page is in view. @param {number} page */
  show(page) {
    this.settle();
    this.page = page;
  }

  /** @param {boolean} isVisible @param {boolean} isFocused */
  look(isVisible, isFocused) {
    this.settle();
    this.isVisible = isVisible;
    this.isFocused = isFocused;
  }

  #patience() {
    return this.isFocused ? IDLE_MS : ELSEWHERE_IDLE_MS;
  }
}
