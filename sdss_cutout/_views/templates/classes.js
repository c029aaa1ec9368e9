// The classes that targets are sorted into, on the keys 1 to 9.
import { pageKey, storage } from "./dom.js";

const KEYS = 9;
export const classesKey = pageKey("classes");

/** @type {string[]} */
let classes = [];

export const loadClasses = () => {
  const stored = storage.getJson(classesKey, ["good", "bad"]);
  classes = Array.from({ length: KEYS }, (_, n) => String(stored[n] ?? ""));
};

loadClasses();

/** Return the classes in use: each with the number of its key. */
export const classList = () =>
  classes.map((name, n) => ({ name, key: n + 1 })).filter(({ name }) => name);

/** Return all nine names, empty where a key has no class. */
export const classNames = () => classes;

/**
 * Return the number of a class; 0 if there is no such class.
 * @param {string} name
 */
export const classNumber = (name) => (name ? classes.indexOf(name) + 1 : 0);

/**
 * Return the part of an id or a CSS class that stands for a class.
 * @param {string} name
 */
export const slug = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");

/**
 * Give a key's class a name, or take the class away with an empty one.
 * @param {number} key
 * @param {string} name
 */
export const setClass = (key, name) => {
  classes[key - 1] = name;
  storage.set(classesKey, JSON.stringify(classes));
};

/**
 * Put classes that are not known yet on the keys that are free.
 * @param {Iterable<string>} wanted
 */
export const addClasses = (wanted) => {
  for (const name of wanted) {
    const free = classes.indexOf("");
    if (name && !classNumber(name) && free >= 0) setClass(free + 1, name);
  }
};

// Letters that do something else on the page.
const TAKEN = "acu";

/**
 * Return the class that a key stands for: by its number, or its first letter where only one class
 * begins with it.
 * @param {string} key
 * @returns {string}
 */
export const classOfKey = (key) => {
  if (/^[1-9]$/.test(key)) return classes[Number(key) - 1];
  if (!/^\p{L}$/u.test(key) || TAKEN.includes(key)) return "";
  const found = classes.filter((name) => name.toLowerCase().startsWith(key));
  return found.length === 1 ? found[0] : "";
};
