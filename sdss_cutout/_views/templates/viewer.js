// The viewer: one picture in its full size, what is known of it, and links.
import { classList, slug } from "./classes.js";
import { commentBox, picture } from "./controls.js";
import { byId, element, isShortcut, say, thousands } from "./dom.js";
import { goTo, shownNow, showPlace } from "./grid.js";
import { commentOf, markOf } from "./marks.js";
import {
  columns,
  data,
  exact,
  fileUrl,
  isVisible,
  names,
  pictureSize,
  pictureUrl,
  shown,
  statuses,
} from "./table.js";
import { isMeasured, showPicture, zoomByKey } from "./zoom.js";

/** @type {HTMLDialogElement} */
const viewer = byId("viewer");

/** The row that is shown; -1 while the viewer is closed. */
let current = -1;

export const currentRow = () => current;

/**
 * Open the viewer on the row at a place among those that fit.
 * @param {number} place
 */
export const view = (place) => {
  if (place < 0 || place >= shownNow.rows.length) return;
  showPlace(place);
  current = shownNow.rows[place];
  drawPicture();
  drawLinks();
  drawValues();
  dressViewer();
  Object.assign(byId("previous"), { disabled: place === 0 });
  Object.assign(byId("next"), { disabled: place === shownNow.rows.length - 1 });
  const isStep = viewer.open;
  if (!isStep) viewer.showModal();
  const progress = `${thousands(place + 1)} of ${thousands(shownNow.rows.length)}`;
  say(`${names[current]}, ${progress}, ${statuses[current]}`);
  showPicture(pictureUrl(current) ? current : -1, isStep);
  keepFocus();
};

/**
 * Show the row that is so many places further on.
 * @param {number} change
 */
export const step = (change) => view(shownNow.focused + change);

/** Put the focus on the name where the control that had it is gone. */
const keepFocus = () => {
  const active = /** @type {HTMLButtonElement | null} */ (document.activeElement);
  if (!active || !viewer.contains(active) || active.disabled) byId("viewer-name").focus();
};

// ------------------------------------------------------------------------------- what is to be seen

const drawPicture = () => {
  const src = pictureUrl(current);
  byId("viewer-name").textContent = names[current];
  byId("instead").textContent = src ? "" : insteadText();
  showStage(src !== "");
  if (src) picture.src = src;
  else picture.removeAttribute("src");
  picture.alt = src ? `Cutout ${names[current]}` : "";
  for (const next of [1, -1]) preload(shownNow.rows[shownNow.focused + next]);
};

const insteadText = () => {
  const error = shown(columns.error.values[current]);
  return error ? `${statuses[current]}: ${error}` : `${statuses[current]}: no picture to show`;
};

/** @param {boolean} isThere */
const showStage = (isThere) => {
  for (const id of ["stage", "overlay"]) byId(id).hidden = !isThere;
  byId("instead").hidden = isThere;
};

/** @param {number | undefined} row whose picture is likely to be wanted next */
const preload = (row) => {
  if (row !== undefined && pictureUrl(row)) new Image().src = pictureUrl(row);
};

picture.addEventListener("error", () => {
  byId("instead").textContent = "the file is missing";
  showStage(false);
});

const drawValues = () => {
  const [visible, others] = [true, false].map((wanted) =>
    data.columns.filter((column) => isVisible(column) === wanted).map(valueRow),
  );
  byId("values").replaceChildren(...visible);
  byId("other-values").replaceChildren(...others);
  byId("others").hidden = !others.length;
};

/** @param {import("./table.js").Column} column */
const valueRow = ({ name, unit, values }) => {
  const text = exact(values[current]);
  return element(
    "tr",
    {},
    element("th", { scope: "row", textContent: name }),
    element("td", { textContent: text && unit ? `${text} ${unit}` : text }),
  );
};

// ------------------------------------------------------------------------------------------ marks

/** Make a button for each class. */
export const drawClassButtons = () => {
  const buttons = classList().map(({ name, key }) => {
    const button = element(
      "button",
      { type: "button", className: "mark-button", id: `mark-${slug(name)}` },
      element("kbd", { textContent: key }),
      ` ${name}`,
    );
    button.dataset.mark = name;
    button.dataset.class = String(key);
    return button;
  });
  byId("viewer-marks").replaceChildren(...buttons);
};

/** Show how the row is marked. */
export const dressViewer = () => {
  if (current < 0) return;
  const buttons = /** @type {HTMLElement[]} */ ([...byId("viewer-marks").children]);
  for (const button of buttons) {
    button.ariaPressed = String(button.dataset.mark === markOf(current));
  }
  if (commentBox.value.trim() !== commentOf(current)) commentBox.value = commentOf(current);
};

// ------------------------------------------------------------------------------------------ links

const drawLinks = () => {
  const links = [...skyLinks(), ...fileLinks()];
  byId("links").replaceChildren(...links);
};

/**
 * @param {string} textContent
 * @param {string} href
 */
const outsideLink = (textContent, href) =>
  element("a", { textContent, href, target: "_blank", rel: "noopener noreferrer" });

/** Degrees without an exponent, which not every page understands. */
const plain = (/** @type {number} */ degrees) => degrees.toFixed(10).replace(/\.?0+$/, "");

/** Return links to the position on pages that show the sky. */
const skyLinks = () => {
  const asked = data.asked[current];
  if (!asked) return [];
  const [site, ...position] = asked;
  const [ra, dec] = position.map(plain);
  const { navigate, explore } = data.sites[site];
  const objid = objidOf(current);
  const [width, height] = pictureSize(current);
  const degrees = (Math.max(width, height) * Number(columns.scale?.values[current] ?? 0.4)) / 3600;
  const fov = Math.min(Math.max(2 * degrees, 0.02), 180).toPrecision(3);
  return [
    outsideLink("Navigate", `${navigate}?ra=${ra}&dec=${dec}`),
    ...(objid ? [outsideLink("Explore", `${explore}?id=${objid}`)] : []),
    outsideLink(
      "Legacy Survey",
      `https://www.legacysurvey.org/viewer?ra=${ra}&dec=${dec}&layer=ls-dr9&zoom=15&mark=${ra},${dec}`,
    ),
    outsideLink(
      "Aladin",
      `https://aladin.cds.unistra.fr/AladinLite/?target=${ra}%20${dec}&fov=${fov}&survey=CDS%2FP%2FSDSS9%2Fcolor`,
    ),
    outsideLink("The request", exact(columns.url.values[current])),
  ];
};

const objidColumn = data.columns.find(({ name }) => name.toLowerCase() === "objid");

/** @param {number} row */
const objidOf = (row) => {
  const objid = exact(objidColumn?.values[row]);
  return /^[1-9]\d{0,18}$/.test(objid) ? objid : "";
};

const fileLinks = () => {
  const suffix = data.suffixes[current];
  const link = (/** @type {string} */ textContent, /** @type {string} */ href) =>
    element("a", { textContent, href });
  if (suffix === "") return [];
  if (suffix !== ".jpg") return [link(suffix.slice(1).toUpperCase(), fileUrl(current))];
  return [link("JPEG", fileUrl(current)), link("FITS header", fileUrl(current, ".wcs"))];
};

// ----------------------------------------------------------------------------------- keys, buttons

byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("close").addEventListener("click", () => leave());
viewer.addEventListener("close", () => leave());
viewer.addEventListener("cancel", (event) => {
  event.preventDefault();
  leave();
});

/** Close the viewer and go to the tile of the row that it showed. */
const leave = () => {
  if (current < 0) return;
  const place = shownNow.rows.indexOf(current);
  current = -1;
  viewer.close(); // the browser gives the focus back to the tile that opened the viewer
  goTo(place);
};
viewer.addEventListener("keydown", (event) => {
  if (!isShortcut(event)) return;
  const isDone = isMeasured() && zoomByKey(event);
  if (event.key === "c") commentBox.focus();
  else if (event.key === "ArrowLeft" && !isDone) step(-1);
  else if (event.key === "ArrowRight" && !isDone) step(1);
  else if (!isDone) return;
  event.preventDefault();
});
