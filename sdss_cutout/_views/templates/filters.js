// Which rows fit the search and the filters, and in which order.
import { directionButton, searchBox, sortChoice } from "./controls.js";
import { byId, element, inside } from "./dom.js";
import { commentOf, markOf } from "./marks.js";
import { columns, count, data, isVisible, shown } from "./table.js";

/** @typedef {import("./table.js").Value} Value */
/** @typedef {string | number | bigint | null} Comparable */
/** @typedef {(row: number) => boolean} Test */

// Columns that the page has and the table has not (there they are called input_mark, ...).
const OURS = ["mark", "comment"];

/**
 * Return what a row has in a column, or in the page's own marks and comments.
 * @param {string} name
 * @param {number} row
 * @returns {Value}
 */
export const cellOf = (name, row) => {
  if (!OURS.includes(name)) return columns[name].values[row];
  return (name === "mark" ? markOf(row) : commentOf(row)) || null;
};

/** @param {string} name */
const kindOf = (name) => columns[name]?.kind ?? "text";

// ------------------------------------------------------------------------------------ comparison

/**
 * Return what somebody typed as a value to compare with; null if it is not one.
 * @param {string} text
 * @param {string} kind
 * @returns {Comparable}
 */
const parse = (text, kind) => {
  if (kind === "text") return text;
  if (text.trim() === "") return null;
  if (kind === "integer") {
    try {
      return BigInt(text.trim());
    } catch {
      // 1.5 can be compared with whole numbers too
    }
  }
  const number = Number(text);
  return Number.isNaN(number) ? null : number;
};

/**
 * Return a value to compare with. Missing values are null; infinities come as text.
 * @param {Value} value
 * @param {string} kind
 * @returns {Comparable}
 */
const comparable = (value, kind) => {
  if (value === null || value === undefined) return null;
  if (kind === "integer") return BigInt(value);
  return kind === "number" ? Number(value) : String(value);
};

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * @param {NonNullable<Comparable>} a
 * @param {NonNullable<Comparable>} b
 * @returns {number}
 */
const compare = (a, b) => {
  if (typeof a === "string" && typeof b === "string") return collator.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
};

/** @type {Record<string, (order: number) => boolean>} */
const COMPARISONS = {
  "=": (order) => order === 0,
  "\u2260": (order) => order !== 0,
  "<": (order) => order < 0,
  "\u2264": (order) => order <= 0,
  ">": (order) => order > 0,
  "\u2265": (order) => order >= 0,
};
const CONDITIONS = ["contains", ...Object.keys(COMPARISONS), "is missing", "is there"];

// --------------------------------------------------------------------------------------- filters

/**
 * Return the test that a filter of the page stands for.
 * @param {Element} filter
 * @returns {Test}
 */
const testOf = (filter) => {
  const { value: name } = /** @type {HTMLSelectElement} */ (inside(filter, ".column"));
  const { value: how } = /** @type {HTMLSelectElement} */ (inside(filter, ".how"));
  /** @type {HTMLInputElement} */
  const input = inside(filter, ".wanted");
  input.hidden = how.startsWith("is ");
  input.removeAttribute("aria-invalid");
  /** @type {Test} */
  const isMissing = (row) => (cellOf(name, row) ?? "") === "";
  if (how === "is missing") return isMissing;
  if (how === "is there") return (row) => !isMissing(row);
  if (input.value === "") return () => true;
  return how === "contains" ? containsTest(name, input.value) : comparisonTest(name, how, input);
};

/**
 * @param {string} name
 * @param {string} text
 * @returns {Test}
 */
const containsTest = (name, text) => {
  const wanted = text.toLowerCase();
  return (row) => shown(cellOf(name, row)).toLowerCase().includes(wanted);
};

/**
 * @param {string} name
 * @param {string} how
 * @param {HTMLInputElement} input
 * @returns {Test}
 */
const comparisonTest = (name, how, input) => {
  const kind = kindOf(name);
  const wanted = parse(input.value, kind);
  if (wanted === null) {
    input.setAttribute("aria-invalid", "true");
    return () => true;
  }
  return (row) => {
    const value = comparable(cellOf(name, row), kind);
    return value !== null && COMPARISONS[how](compare(value, wanted));
  };
};

/** Return an option for each column, the page's own first. */
export const columnOptions = () => {
  return [...OURS, ...data.columns.map(({ name }) => name)].map((name) => {
    const unit = columns[name]?.unit;
    return element("option", { value: name, textContent: unit ? `${name} [${unit}]` : name });
  });
};

/** Add a filter to the page and go to it. */
export const addFilter = () => {
  const number = document.querySelectorAll(".filter").length + 1;
  const options = CONDITIONS.map((how) => element("option", { value: how, textContent: how }));
  const column = element("select", { className: "column" }, ...columnOptions());
  byId("filters").append(
    element(
      "fieldset",
      { className: "filter" },
      element("legend", { className: "hidden", textContent: `Filter ${number}` }),
      element("label", {}, "Column ", column),
      element("select", { className: "how", ariaLabel: "Condition" }, ...options),
      element("input", { className: "wanted", ariaLabel: "Value", autocomplete: "off" }),
      element("button", { type: "button", className: "remove", textContent: "Remove" }),
    ),
  );
  column.focus();
};

// ---------------------------------------------------------------------------------------- search

/** @type {string[]} */
let haystacks = [];

/** Forget which texts the search looks in; the visible columns have changed. */
export const forgetHaystacks = () => {
  haystacks = new Array(count);
};

forgetHaystacks();

/** @param {number} row */
const haystack = (row) => {
  haystacks[row] ??= data.columns
    .filter(isVisible)
    .map((column) => shown(column.values[row]))
    .join("\n")
    .toLowerCase();
  return haystacks[row];
};

/**
 * @param {string} text
 * @returns {Test}
 */
const searchTest = (text) => (row) =>
  haystack(row).includes(text) ||
  markOf(row).toLowerCase().includes(text) ||
  commentOf(row).toLowerCase().includes(text);

// --------------------------------------------------------------------------------- rows and order

const matchingRows = () => {
  const tests = [...document.querySelectorAll(".filter")].map(testOf);
  const text = searchBox.value.trim().toLowerCase();
  if (text) tests.push(searchTest(text));
  const rows = [];
  for (let row = 0; row < count; row++) if (tests.every((test) => test(row))) rows.push(row);
  return rows;
};

/** Return the rows that fit the search and all filters, sorted as is chosen. */
export const arrangedRows = () => {
  const rows = matchingRows();
  const sign = directionButton.ariaPressed === "true" ? -1 : 1;
  if (sortChoice.value === "") return sign > 0 ? rows : rows.reverse();
  const kind = kindOf(sortChoice.value);
  const keys = new Map(rows.map((row) => [row, comparable(cellOf(sortChoice.value, row), kind)]));
  return rows.sort((a, b) => {
    const x = keys.get(a) ?? null;
    const y = keys.get(b) ?? null;
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a - b;
    return sign * compare(x, y) || a - b;
  });
};
