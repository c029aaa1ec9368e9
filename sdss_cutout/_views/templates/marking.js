// Marking targets and commenting on them: with keys and buttons, in the grid and in the viewer.
import { classList, classNumber, classOfKey } from "./classes.js";
import { commentBox } from "./controls.js";
import { around, byId, counted, isShortcut, say, storage, thousands } from "./dom.js";
import { draw, goTo, grid, moveByKey, placeOf, reach, tileOf } from "./grid.js";
import { countMarks, markOf, setEntry } from "./marks.js";
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
export const showMarks = () => {
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
