// Marking targets: with keys and buttons, in the grid and in the viewer.
import {
  classesKey,
  classList,
  classNames,
  classNumber,
  classOfKey,
  loadClasses,
  setClass,
} from "./classes.js";
import { commentBox } from "./controls.js";
import { around, byId, counted, element, isShortcut, say, storage, thousands } from "./dom.js";
import { arrange, draw, goTo, grid, moveByKey, placeOf, reach, tileOf } from "./grid.js";
import {
  clearMarks,
  countMarks,
  loadMarks,
  markOf,
  marksAsCsv,
  marksKey,
  mergeMarks,
  renameMarks,
  setEntry,
} from "./marks.js";
import { names } from "./table.js";
import { dressTile, showMissing } from "./tiles.js";
import { currentRow, drawClassButtons, dressViewer, step, view } from "./viewer.js";

/** @type {HTMLInputElement} */
const advance = byId("advance");
const advanceKey = "sdss_cutout advance";

// ------------------------------------------------------------------------------------ what shows

/** Show how many targets are marked. */
const showTally = () => {
  const { marks, comments } = countMarks();
  const others = [...marks.keys()].filter((mark) => !classNumber(mark));
  const parts = [...classList().map(({ name }) => name), ...others].map(
    (mark) => `${thousands(marks.get(mark) ?? 0)} ${mark}`,
  );
  if (comments) parts.push(counted(comments, "comment"));
  const warning = "; this browser will not keep them: export before you close";
  byId("tally").textContent = parts.join(", ") + (storage.isLasting ? "" : warning);
  const isEmpty = !marks.size && !comments;
  for (const id of ["export", "clear"]) Object.assign(byId(id), { disabled: isEmpty });
};

/** @param {number} row */
const showMark = (row) => {
  const tile = tileOf(row);
  if (tile) dressTile(tile, row);
  if (row === currentRow()) dressViewer();
  showTally();
};

/** Show all marks and classes anew. */
const showMarks = () => {
  draw();
  showClasses();
};

/** Show the classes and how many targets are in each. */
export const showClasses = () => {
  drawClassButtons();
  dressViewer();
  showTally();
};

// ---------------------------------------------------------------------------------------- marking

/**
 * Mark a row, or take its mark away with an empty one.
 * @param {number} row
 * @param {string} mark
 */
const setMark = (row, mark) => {
  setEntry(row, { mark });
  showMark(row);
  say(`${names[row]}: ${mark ? `marked ${mark}` : "not marked"}`);
};

/**
 * Mark a row; the mark that it has already is taken away.
 * @param {number} row
 * @param {string} mark
 */
const toggleMark = (row, mark) => setMark(row, markOf(row) === mark ? "" : mark);

/**
 * Mark by a key, and tell whether it was one of those that do.
 * @param {KeyboardEvent} event
 * @param {number} row
 * @param {() => void} goOn to the next target
 */
const markByKey = (event, row, goOn) => {
  if (!isShortcut(event) || event.shiftKey) return false;
  const mark = event.key === "u" ? "" : classOfKey(event.key);
  if (event.key !== "u" && !mark) return false;
  setMark(row, mark);
  if (mark && advance.checked) goOn();
  return true;
};

const toggleAdvance = () => {
  advance.checked = !advance.checked;
  storage.set(advanceKey, String(advance.checked));
  say(advance.checked ? "Marking goes on to the next." : "Marking stays where it is.");
};

advance.checked = storage.get(advanceKey) !== "false";
advance.addEventListener("change", () => storage.set(advanceKey, String(advance.checked)));

grid.addEventListener("focusin", (event) => {
  const tile = around(event, ".tile");
  if (tile) reach(placeOf(tile));
});
grid.addEventListener("click", (event) => {
  const tile = around(event, ".tile");
  const button = around(event, "button");
  if (!tile || !button) return;
  if (button.dataset.mark) toggleMark(Number(tile.dataset.row), button.dataset.mark);
  else view(placeOf(tile));
});
grid.addEventListener("keydown", (event) => {
  const tile = around(event, ".tile");
  if (!tile) return;
  const row = Number(tile.dataset.row);
  if (moveByKey(event, tile) || markByKey(event, row, () => goTo(placeOf(tile) + 1))) {
    event.preventDefault();
  }
});
grid.addEventListener("error", showMissing, true);

byId("viewer-marks").addEventListener("click", (event) => {
  const mark = around(event, "button")?.dataset.mark;
  if (!mark) return;
  const isNew = markOf(currentRow()) !== mark;
  toggleMark(currentRow(), mark);
  if (isNew && advance.checked) step(1);
});
byId("viewer").addEventListener("keydown", (event) => {
  if (markByKey(event, currentRow(), () => step(1))) event.preventDefault();
});
addEventListener("keydown", (event) => {
  if (isShortcut(event) && event.key === "a") toggleAdvance();
});

commentBox.addEventListener("input", () => {
  setEntry(currentRow(), { comment: commentBox.value.trim() });
  showMark(currentRow());
});
commentBox.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault(); // Escape leaves the field; the picture stays open
  byId("viewer-name").focus();
});

// ------------------------------------------------------------------------------- export and load

byId("export").addEventListener("click", () => {
  const href = URL.createObjectURL(new Blob([marksAsCsv()], { type: "text/csv" }));
  element("a", { href, download: "marks.csv" }).click();
  URL.revokeObjectURL(href);
  say("The marks are in marks.csv, among the downloads.");
});

/** @type {HTMLInputElement} */
const marksFile = byId("marks-file");
byId("load").addEventListener("click", () => marksFile.click());
marksFile.addEventListener("change", async () => {
  const file = marksFile.files?.[0];
  if (!file) return;
  const merged = mergeMarks(await file.text());
  marksFile.value = ""; // the same file may be loaded again
  showMarks();
  say(merged ? loadedText(file.name, merged) : `${file.name} has no columns name and mark.`);
});

/**
 * @param {string} file
 * @param {{loaded: number, unknown: string[]}} merged
 */
const loadedText = (file, { loaded, unknown }) => {
  const text = `${counted(loaded, "mark")} loaded from ${file}`;
  if (!unknown.length) return `${text}.`;
  const rounded = unknown.some((name) => /^\d[.,]\d+E\+\d+$/i.test(name))
    ? "; a spreadsheet has rounded the names"
    : "";
  const example = `${unknown[0]}${unknown.length > 1 ? ", ..." : ""}`;
  return `${text}; ${counted(unknown.length, "name")} not on this page (${example})${rounded}.`;
};

byId("clear").addEventListener("click", () => {
  if (!confirm("Clear all marks and comments of this page?")) return;
  clearMarks();
  showTally();
  arrange();
});
addEventListener("storage", (event) => {
  if (event.key === classesKey) loadClasses();
  else if (event.key === marksKey) loadMarks();
  else return;
  showMarks();
});

// ---------------------------------------------------------------------------------------- classes

/** @type {HTMLDialogElement} */
const classesDialog = byId("classes");

/** @param {number} key */
const makeClassField = (key) => {
  const defaultValue = classNames()[key - 1];
  const field = element("input", { defaultValue, autocomplete: "off", maxLength: 40 });
  field.dataset.class = String(key);
  return element("label", {}, element("kbd", { textContent: key }), " ", field);
};

byId("edit-classes").addEventListener("click", () => {
  byId("class-fields").replaceChildren(...classNames().map((_, n) => makeClassField(n + 1)));
  byId("classes-status").textContent = "";
  classesDialog.showModal();
});
byId("class-fields").addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const key = Number(field.dataset.class);
  renameClass(key, field.value.trim(), field.defaultValue);
  field.value = classNames()[key - 1];
  if (field.value) field.defaultValue = field.value;
});

/**
 * Give a class another name, also where targets have it. Without a name it goes; its marks stay.
 * @param {number} key
 * @param {string} name
 * @param {string} last name of the class that was not empty; somebody may have emptied it first
 */
const renameClass = (key, name, last) => {
  if (name === classNames()[key - 1]) return;
  if (classNumber(name)) {
    byId("classes-status").textContent = `${name} is on key ${classNumber(name)} already.`;
    return;
  }
  byId("classes-status").textContent = "";
  setClass(key, name);
  if (last && name && !classNumber(last)) renameMarks(last, name);
  showMarks();
};
byId("classes-done").addEventListener("click", () => classesDialog.close());
