// Helpers for elements, messages and the browser's storage.

/**
 * Return the element with this id.
 * @template {HTMLElement} T
 * @param {string} id
 * @returns {T}
 */
export const byId = (id) => /** @type {T} */ (document.getElementById(id));

/**
 * Return the first element inside another that fits a selector; it must exist.
 * @template {HTMLElement} T
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T}
 */
export const inside = (parent, selector) => /** @type {T} */ (parent.querySelector(selector));

/**
 * Return the element that fits a selector, from an event's target outwards.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const around = (event, selector) =>
  event.target instanceof Element ? event.target.closest(selector) : null;

/**
 * Make an element with properties, attributes where there is no such property, and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) Object.assign(made, { [key]: value });
    else made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
};

/** @param {number} n */
export const thousands = (n) => n.toLocaleString("en");

/**
 * Return "1 target", "2 targets".
 * @param {number} n
 * @param {string} noun
 */
export const counted = (n, noun) => `${thousands(n)} ${noun}${n === 1 ? "" : "s"}`;

/** @type {HTMLDialogElement} */
const viewerDialog = byId("viewer");

/**
 * Show a message where it is seen and read aloud: in the open dialog, else above the pictures.
 * @param {string} text
 */
export const say = (text) => {
  byId(viewerDialog.open ? "viewer-status" : "status").textContent = text;
};

/**
 * Return whether a key press belongs to the page: without modifiers, and not into a text field.
 * @param {KeyboardEvent} event
 */
export const isShortcut = (event) =>
  !(event.ctrlKey || event.metaKey || event.altKey || around(event, TAKES_TEXT));

const TAKES_TEXT = "select, input:not([type='checkbox'], [type='range'])";

/** The browser's storage. It may be forbidden or full; then values live as long as the page. */
export const storage = {
  /** @type {Record<string, string>} */
  memory: {},
  isLasting: true,

  /** @param {string} key */
  get(key) {
    try {
      return localStorage.getItem(key) ?? this.memory[key] ?? null;
    } catch {
      this.isLasting = false;
      return this.memory[key] ?? null;
    }
  },

  /**
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    this.memory[key] = value;
    try {
      localStorage.setItem(key, value);
    } catch {
      this.isLasting = false;
    }
  },

  /**
   * Return what was stored as JSON, or a default.
   * @template T
   * @param {string} key
   * @param {T} otherwise
   * @returns {T}
   */
  getJson(key, otherwise) {
    try {
      return JSON.parse(this.get(key) ?? "") ?? otherwise;
    } catch {
      return otherwise;
    }
  },
};

/**
 * Return the key of a value that belongs to this page; pages opened from the disk share a storage.
 * @param {string} what
 */
export const pageKey = (what) => `sdss_cutout ${what} of ${location.pathname}`;
