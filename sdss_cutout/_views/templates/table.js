// The targets' table, and which file belongs to which row.
import { byId, pageKey, storage } from "./dom.js";

/** @typedef {string | number | null} Value */
/** @typedef {{name: string, unit: string, kind: string, visible: boolean, values: Value[]}} Column */
/**
 * @typedef {object} Data
 * @property {Column[]} columns
 * @property {string} pictures how the page reaches the folder of the pictures
 * @property {string[]} suffixes of each row's file; empty where there is none
 * @property {Record<string, string>} previews pictures for files that browsers cannot show
 * @property {{frames: [number, number, number, number, number, number, string][],
 *   rows: ([number, number, number] | null)[]}} sky
 * @property {{navigate: string, explore: string}[]} sites SkyServer's pages
 * @property {([number, number, number] | null)[]} asked site, ra and dec of each row
 */

/** @type {Data} */
export const data = JSON.parse(byId("data").textContent ?? "");

/** @type {Record<string, Column>} */
export const columns = Object.fromEntries(data.columns.map((column) => [column.name, column]));

export const names = /** @type {string[]} */ (columns.name.values);
export const statuses = /** @type {string[]} */ (columns.status.values);
export const count = names.length;

/** @type {Map<string, number>} */
export const rowOfName = new Map(names.map((name, row) => [name, row]));

/**
 * Return the URL of a row's file, with another suffix where one is given.
 * @param {number} row
 * @param {string} [suffix]
 */
export const fileUrl = (row, suffix = data.suffixes[row]) =>
  data.pictures + encodeURIComponent(names[row]) + suffix;

/**
 * Return the URL of what is shown of a row; empty if there is no picture.
 * @param {number} row
 */
export const pictureUrl = (row) => {
  if (data.previews[row]) return data.previews[row];
  return data.suffixes[row] === ".jpg" ? fileUrl(row) : "";
};

/**
 * Return width and height of a row's picture in its own pixels.
 * @param {number} row
 */
export const pictureSize = (row) => [
  Number(columns.width.values[row]),
  Number(columns.height.values[row]),
];

/**
 * Return a value as text, numbers without the noise of their last digits.
 * @param {Value | undefined} value
 */
export const shown = (value) => {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(12))) : value;
};

/**
 * Return a value as text in full.
 * @param {Value | undefined} value
 */
export const exact = (value) => (value === null || value === undefined ? "" : String(value));

// ------------------------------------------------------------------------------- visible columns

const visibleKey = pageKey("columns");

/** @type {Record<string, boolean>} */
const chosen = storage.getJson(visibleKey, {});

/** @param {Column} column */
export const isVisible = (column) => chosen[column.name] ?? column.visible;

/**
 * Show or hide a column.
 * @param {Column} column
 * @param {boolean} visible
 */
export const setVisible = (column, visible) => {
  chosen[column.name] = visible;
  storage.set(visibleKey, JSON.stringify(chosen));
};
