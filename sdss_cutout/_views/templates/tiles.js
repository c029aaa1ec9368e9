// One tile of the grid: a target's picture, name, caption and marks.
import { classList, classNumber, slug } from "./classes.js";
import { captionChoice, sortChoice } from "./controls.js";
import { around, element, inside } from "./dom.js";
import { cellOf } from "./filters.js";
import { commentOf, markOf } from "./marks.js";
import { names, pictureUrl, shown, statuses } from "./table.js";

// So many classes are named on a tile's buttons; of more there is room for the numbers only.
const NAMED = 3;

/** Return the column under the names; empty where there is none. */
const captionColumn = () => {
  const column = captionChoice.value === "sort" ? sortChoice.value : captionChoice.value;
  return ["name", "mark", "comment"].includes(column) ? "" : column;
};

/**
 * Make the tile of a row.
 * @param {number} row
 */
export const makeTile = (row) => {
  const name = element("span", { className: "name", textContent: names[row] });
  name.style.setProperty("--characters", String(names[row].length));
  const open = element("button", { type: "button", className: "open", tabIndex: -1 });
  open.append(makeFrame(row), name);
  const column = captionColumn();
  const caption = column && `${column} ${shown(cellOf(column, row))}`;
  if (caption) open.append(element("span", { className: "extra", textContent: caption }));
  open.append(element("span", { className: "extra comment" }));
  const buttons = classList().map(({ name: mark, key }) => makeMarkButton(row, mark, key));
  const tile = element("li", { className: "tile" }, open);
  tile.append(element("div", { className: "marks" }, ...buttons));
  tile.dataset.row = String(row);
  dressTile(tile, row);
  return tile;
};

/** @param {number} row */
const makeFrame = (row) => {
  const frame = element("span", { className: "frame" });
  const src = pictureUrl(row);
  if (src) {
    frame.append(element("img", { loading: "lazy", decoding: "async", alt: "", src }));
  } else {
    frame.classList.add("empty", statuses[row]);
    frame.append(statuses[row]);
  }
  frame.append(element("span", { className: "badge" }));
  return frame;
};

/**
 * @param {number} row
 * @param {string} mark
 * @param {number} key
 */
const makeMarkButton = (row, mark, key) => {
  const button = element("button", {
    type: "button",
    className: `mark-button ${slug(mark)}-button`,
    tabIndex: -1,
    textContent: classList().length > NAMED ? String(key) : mark,
    title: `${mark} (${key})`,
    ariaLabel: `Mark ${names[row]} ${mark}`,
  });
  button.dataset.class = String(key);
  button.dataset.mark = mark;
  return button;
};

/**
 * Show on a tile how its row is marked.
 * @param {HTMLElement} tile
 * @param {number} row
 */
export const dressTile = (tile, row) => {
  const mark = markOf(row);
  const comment = commentOf(row);
  tile.className = classNumber(mark) ? `tile ${slug(mark)}` : "tile";
  if (mark) tile.dataset.class = String(classNumber(mark));
  else delete tile.dataset.class;
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (
    tile.querySelectorAll(".mark-button")
  )) {
    button.ariaPressed = String(button.dataset.mark === mark);
  }
  const isNamed = classNumber(mark) > 0 && classList().length <= NAMED;
  inside(tile, ".badge").textContent = isNamed ? "" : mark;
  inside(tile, ".comment").textContent = comment;
  inside(tile, ".open").ariaLabel = [
    names[row],
    statuses[row],
    mark && `marked ${mark}`,
    comment && `comment: ${comment}`,
  ]
    .filter(Boolean)
    .join(", ");
};

/**
 * Say on a tile that the file of its picture is missing.
 * @param {Event} event of a picture that could not be loaded
 */
export const showMissing = (event) => {
  const frame = around(event, ".frame");
  frame?.classList.add("empty", "failed");
  around(event, "img")?.replaceWith("the file is missing");
};
