// Comma-separated values, as RFC 4180 has them.

/** @param {string | number | null} value */
const quoted = (value) => {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/**
 * Return lines of values as CSV. Numbers have all their digits.
 * @param {(string | number | null)[][]} lines
 */
export const toCsv = (lines) => lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");

/**
 * Return which character separates the values; spreadsheets of some languages write another.
 * @param {string} text
 */
const delimiterOf = (text) => {
  const header = text.split(/[\r\n]/, 1)[0];
  return [",", ";", "\t"].find((delimiter) => header.includes(delimiter)) ?? ",";
};

/**
 * Return the values in a CSV text, line by line; empty lines are left out.
 * @param {string} text
 * @returns {string[][]}
 */
export const fromCsv = (text) => {
  const delimiter = delimiterOf(text);
  const field = new RegExp(
    `("(?:[^"]|"")*"|[^${delimiter}\\r\\n]*)(${delimiter}|\\r\\n|\\n|\\r|$)`,
    "y",
  );
  /** @type {string[][]} */
  const lines = [[]];
  while (field.lastIndex < text.length) {
    const [, value, end] = field.exec(text) ?? ["", "", ""];
    lines[lines.length - 1].push(unquoted(value));
    if (end === "") break;
    if (end !== delimiter) lines.push([]);
  }
  return lines.filter((line) => line.some(Boolean));
};

/** @param {string} value */
const unquoted = (value) =>
  /^".*"$/s.test(value) ? value.slice(1, -1).replaceAll('""', '"') : value;
