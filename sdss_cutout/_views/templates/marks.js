// Marks and comments: kept by the browser, written as CSV and loaded from it.
import { addClasses } from "./classes.js";
import { fromCsv, toCsv } from "./csv.js";
import { pageKey, storage } from "./dom.js";
import { count, data, names, rowOfName } from "./table.js";

/** @typedef {{mark: string, comment: string}} Entry */

export const marksKey = pageKey("marks");

/** @type {Map<string, Entry>} */
let entries = new Map();
let stored = "";

/** Read the marks again where another tab has changed them. */
export const loadMarks = () => {
  const text = storage.get(marksKey) ?? "{}";
  if (text === stored) return;
  stored = text;
  entries = new Map(Object.entries(storage.getJson(marksKey, {})).map(([n, e]) => [n, entryOf(e)]));
};

/**
 * Return what is stored of a target; version 0.1 stored the mark alone.
 * @param {string | Partial<Entry>} value
 * @returns {Entry}
 */
const entryOf = (value) =>
  typeof value === "string"
    ? { mark: value, comment: "" }
    : { mark: value.mark ?? "", comment: value.comment ?? "" };

const save = () => {
  stored = JSON.stringify(Object.fromEntries(entries));
  storage.set(marksKey, stored);
};

/**
 * @param {string} name
 * @param {Partial<Entry>} change
 */
const update = (name, change) => {
  const entry = { mark: "", comment: "", ...entries.get(name), ...change };
  if (entry.mark || entry.comment) entries.set(name, entry);
  else entries.delete(name);
};

/** @param {number} row */
export const markOf = (row) => entries.get(names[row])?.mark ?? "";

/** @param {number} row */
export const commentOf = (row) => entries.get(names[row])?.comment ?? "";

/**
 * Change the mark or the comment of a row.
 * @param {number} row
 * @param {Partial<Entry>} change
 */
export const setEntry = (row, change) => {
  loadMarks();
  update(names[row], change);
  save();
};

export const clearMarks = () => {
  entries.clear();
  save();
};

/**
 * Give all targets of one class another.
 * @param {string} before
 * @param {string} after
 */
export const renameMarks = (before, after) => {
  loadMarks();
  for (const [name, { mark }] of [...entries]) if (mark === before) update(name, { mark: after });
  save();
};

/** Return how many targets of this page have each mark, and how many a comment. */
export const countMarks = () => {
  /** @type {Map<string, number>} */
  const marks = new Map();
  let comments = 0;
  for (let row = 0; row < count; row++) {
    const mark = markOf(row);
    if (mark) marks.set(mark, (marks.get(mark) ?? 0) + 1);
    if (commentOf(row)) comments++;
  }
  return { marks, comments };
};

// ------------------------------------------------------------------------------------------- CSV

// sdss_cutout knows the file by this header, and then reads names as text.
const HEADER = ["name", "mark", "comment", "file", "ra", "dec"];

/** Return the marks as CSV: what has a mark or a comment, in the targets' order. */
export const marksAsCsv = () => {
  /** @type {(string | number | null)[][]} */
  const lines = [HEADER];
  for (let row = 0; row < count; row++) {
    if (!markOf(row) && !commentOf(row)) continue;
    const [, ra, dec] = data.asked[row] ?? [0, null, null];
    const file = data.suffixes[row] ? names[row] + data.suffixes[row] : "";
    lines.push([names[row], markOf(row), commentOf(row), file, ra, dec]);
  }
  return toCsv(lines);
};

/**
 * Merge the marks in a CSV text into those of the page, by name; what it has wins.
 * @param {string} text
 * @returns {{loaded: number, unknown: string[]} | null} null if this is not a table of marks
 */
export const mergeMarks = (text) => {
  const [header = [], ...lines] = fromCsv(text.replace(/^\ufeff/, ""));
  const place = Object.fromEntries(header.map((title, n) => [title.trim().toLowerCase(), n]));
  if (!("name" in place && ("mark" in place || "comment" in place))) return null;
  loadMarks();
  /** @type {string[]} */
  const unknown = [];
  let loaded = 0;
  for (const line of lines) {
    const change = changeIn(line, place);
    const name = line[place.name]?.trim() ?? "";
    if (!rowOfName.has(name)) unknown.push(name);
    else if (change.mark || change.comment) {
      update(name, change);
      loaded++;
    }
  }
  save();
  addClasses(countMarks().marks.keys());
  return { loaded, unknown };
};

/**
 * @param {string[]} line
 * @param {Record<string, number>} place
 */
const changeIn = (line, place) => {
  /** @type {Partial<Entry>} */
  const change = {};
  const mark = line[place.mark]?.trim();
  const comment = line[place.comment]?.trim();
  if (mark) change.mark = mark;
  if (comment) change.comment = comment;
  return change;
};
