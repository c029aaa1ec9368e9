// How large the picture in the viewer is, which part of it shows, and the overlay on it.
import { picture, viewport } from "./controls.js";
import { byId } from "./dom.js";
import { northAndEast, pixelScale, positionText } from "./sky.js";
import { pictureSize } from "./table.js";

const SMALLEST = 0.125;
const LARGEST = 64;

const crosshair = byId("crosshair");

/** The row whose picture is shown, -1 for none. */
let row = -1;
/** Screen pixels per pixel; null: as large as there is room for. @type {number | null} */
let zoom = null;
/** The crosshair's pixel. @type {[number, number] | null} */
let cross = null;

/**
 * Begin with the picture of another row; -1 for none.
 * @param {number} next
 * @param {boolean} isStep whether the magnification of the one before stays
 */
export const showPicture = (next, isStep) => {
  row = next;
  if (!isStep) zoom = null;
  cross = null;
  for (const id of ["smaller", "fit", "larger"]) Object.assign(byId(id), { disabled: row < 0 });
  const hint = "Point at the picture, or press Shift and an arrow key, for coordinates.";
  tell(row < 0 ? "" : hint, false);
  byId("magnification").textContent = "";
  layOut();
};

/** Return whether there is a picture. */
export const isMeasured = () => row >= 0;

/** Return whether the picture is magnified rather than fitted to the room. */
export const isZoomed = () => zoom !== null;

const fittingScale = () => {
  const [width, height] = pictureSize(row);
  return Math.min(viewport.clientWidth / width, viewport.clientHeight / height);
};

/** Lay the picture out in the room that there is. */
const layOut = () => {
  if (row < 0) return;
  viewport.classList.toggle("fits", !isZoomed()); // without scroll bars, before it is measured
  const [width, height] = pictureSize(row);
  const scale = zoom ?? fittingScale();
  picture.style.width = `${width * scale}px`;
  picture.style.height = `${height * scale}px`;
  picture.classList.toggle("magnified", scale >= 4);
  byId("magnification").textContent = `${Number(scale.toPrecision(2))}\u00d7`;
  byId("fit").ariaPressed = String(!isZoomed());
  showCross();
  drawScaleBar(scale);
  drawCompass();
};

/** Show the whole picture, as large as there is room for. */
export const fit = () => {
  zoom = null;
  layOut();
};

/**
 * Magnify by a factor; the part of the picture at a place of the window stays there.
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 */
export const zoomAt = (factor, x, y) => {
  if (row < 0) return;
  const before = picture.getBoundingClientRect();
  const part = [(x - before.left) / before.width, (y - before.top) / before.height];
  zoom = Math.min(Math.max((zoom ?? fittingScale()) * factor, SMALLEST), LARGEST);
  layOut();
  const after = picture.getBoundingClientRect();
  viewport.scrollLeft += after.left + part[0] * after.width - x;
  viewport.scrollTop += after.top + part[1] * after.height - y;
};

/**
 * Magnify about the crosshair, or about the middle where there is none.
 * @param {number} factor
 */
const zoomBy = (factor) => {
  const box = (cross ? crosshair : viewport).getBoundingClientRect();
  zoomAt(factor, box.left + box.width / 2, box.top + box.height / 2);
  if (cross) crosshair.scrollIntoView({ block: "center", inline: "center" });
};

// -------------------------------------------------------------------------------------- positions

/**
 * Show a position. That of the keyboard is read aloud; that of the pointer would never end.
 * @param {string} text
 * @param {boolean} isRead
 */
const tell = (text, isRead) => {
  byId("readout").ariaLive = isRead ? "polite" : "off";
  byId("readout").textContent = text;
};

/**
 * Show the position under the pointer.
 * @param {PointerEvent} event
 */
export const followPointer = (event) => {
  if (row < 0) return;
  const box = picture.getBoundingClientRect();
  const [width, height] = pictureSize(row);
  const x = ((event.clientX - box.left) / box.width) * width - 0.5;
  const y = ((event.clientY - box.top) / box.height) * height - 0.5;
  if (x >= -0.5 && y >= -0.5 && x < width && y < height) tell(positionText(row, x, y), false);
};

const showCross = () => {
  crosshair.hidden = cross === null;
  if (cross === null) return;
  const [width, height] = pictureSize(row);
  crosshair.style.left = `${((cross[0] + 0.5) / width) * 100}%`;
  crosshair.style.top = `${((cross[1] + 0.5) / height) * 100}%`;
};

/**
 * Move the crosshair, which begins in the middle, and show its position.
 * @param {number} dx
 * @param {number} dy
 */
const moveCross = (dx, dy) => {
  const [width, height] = pictureSize(row);
  const [x, y] = cross ?? [Math.floor(width / 2) - dx, Math.floor(height / 2) - dy];
  cross = [Math.min(Math.max(x + dx, 0), width - 1), Math.min(Math.max(y + dy, 0), height - 1)];
  showCross();
  crosshair.scrollIntoView({ block: "nearest", inline: "nearest" });
  tell(positionText(row, ...cross), true);
};

// ---------------------------------------------------------------------------------------- overlay

const LONGEST_BAR = 140; // screen pixels

const MINUTE = 60;
const DEGREE = 3600;

// Lengths of the scale bar in arcsec.
const LENGTHS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  ...[1, 2, 5, 10, 20, 30].map((length) => length * MINUTE),
  ...[1, 2, 5, 10, 20, 45].map((length) => length * DEGREE),
];

/** @param {number} arcsec */
const lengthText = (arcsec) => {
  if (arcsec >= DEGREE) return `${arcsec / DEGREE}\u00b0`;
  return arcsec >= MINUTE ? `${arcsec / MINUTE}\u2032` : `${arcsec}\u2033`;
};

/** @param {number} magnification */
const drawScaleBar = (magnification) => {
  const arcsec = pixelScale(row) / magnification;
  const length = LENGTHS.findLast((candidate) => candidate / arcsec <= LONGEST_BAR);
  byId("scale-bar").hidden = length === undefined;
  if (length === undefined) return;
  byId("scale-bar").style.width = `${length / arcsec}px`;
  byId("scale-bar").textContent = lengthText(length);
};

const ARROW = 30; // length in the compass's own units

const drawCompass = () => {
  const directions = northAndEast(row);
  byId("compass").toggleAttribute("hidden", !directions);
  if (!directions) return;
  // The corner of the arrows lies opposite to them, so that the whole is in the middle.
  const start = [0, 1].map(
    (axis) => -(ARROW / 2) * (directions.north[axis] + directions.east[axis]),
  );
  for (const [name, direction] of Object.entries(directions)) {
    const at = (/** @type {number} */ length) =>
      start.map((value, axis) => (value + length * direction[axis]).toFixed(1));
    byId(`compass-${name}`).setAttribute("d", `M${start.join(" ")}L${at(ARROW).join(" ")}`);
    const [x, y] = at(ARROW + 11);
    byId(`compass-${name}-letter`).setAttribute("x", x);
    byId(`compass-${name}-letter`).setAttribute("y", y);
  }
};

// ----------------------------------------------------------------------------------- keys, buttons

/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Zoom or move the crosshair by a key, and tell whether it was one of those that do.
 * @param {KeyboardEvent} event
 */
export const zoomByKey = (event) => {
  if (event.shiftKey && event.key in MOVES) moveCross(...MOVES[event.key]);
  else if (event.key === "+" || event.key === "=") zoomBy(2);
  else if (event.key === "-") zoomBy(0.5);
  else if (event.key === "0") fit();
  else return false;
  return true;
};

new ResizeObserver(() => layOut()).observe(viewport);
byId("smaller").addEventListener("click", () => zoomBy(0.5));
byId("larger").addEventListener("click", () => zoomBy(2));
byId("fit").addEventListener("click", fit);
