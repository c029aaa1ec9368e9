// The tiles of a page of rows, and the way among them.
import { perPageChoice } from "./controls.js";
import { byId, element, inside, isShortcut, thousands } from "./dom.js";
import { arrangedRows } from "./filters.js";
import { whenReleased } from "./press.js";
import { count } from "./table.js";
import { makeTile } from "./tiles.js";

export const grid = byId("grid");

/** What is shown: the rows that fit, in their order; the page; and the tile that Tab reaches. */
export const shownNow = { rows: /** @type {number[]} */ ([]), page: 0, focused: 0 };

const perPage = () => Number(perPageChoice.value);
const pageCount = () => Math.max(Math.ceil(shownNow.rows.length / perPage()), 1);

/** Search, filter and sort again, and begin with the first page. */
export const arrange = () =>
  whenReleased(() => {
    shownNow.rows = arrangedRows();
    shownNow.page = shownNow.focused = 0;
    drawNow();
  });

/** Draw the tiles of the page again. */
export const draw = () => whenReleased(drawNow);

const drawNow = () => {
  const start = shownNow.page * perPage();
  grid.replaceChildren(...shownNow.rows.slice(start, start + perPage()).map(makeTile));
  reach(shownNow.focused);
  for (const nav of document.querySelectorAll(".pages")) drawPages(nav);
  byId("status").textContent = summary();
};

const summary = () => {
  const { rows, page } = shownNow;
  if (!count) return "There are no targets.";
  if (!rows.length) return "No target fits.";
  const first = page * perPage() + 1;
  const last = Math.min(first + perPage() - 1, rows.length);
  const rest = rows.length < count ? ` that fit, of ${thousands(count)} in all` : "";
  return `Showing ${thousands(first)} to ${thousands(last)} of ${thousands(rows.length)}${rest}`;
};

// ----------------------------------------------------------------------------------------- pages

/** @param {Element} nav */
const drawPages = (nav) => {
  if (pageCount() === 1) {
    nav.replaceChildren();
    return;
  }
  const { page } = shownNow;
  const options = Array.from({ length: pageCount() }, (_, n) =>
    element("option", { value: n, textContent: n + 1, selected: n === page }),
  );
  const choose = element("select", { ariaLabel: "Page" }, ...options);
  choose.addEventListener("change", () => showPage(Number(choose.value), nav, "select"));
  nav.replaceChildren(
    makeStep(nav, "Previous", -1),
    element("label", {}, "Page ", choose, ` of ${pageCount()}`),
    makeStep(nav, "Next", 1),
  );
};

/**
 * @param {Element} nav
 * @param {string} textContent
 * @param {number} change
 */
const makeStep = (nav, textContent, change) => {
  const to = shownNow.page + change;
  const className = textContent.toLowerCase();
  const disabled = to < 0 || to >= pageCount();
  const button = element("button", { type: "button", textContent, className, disabled });
  button.addEventListener("click", () => showPage(to, nav, `.${className}`));
  return button;
};

/**
 * Show a page; whoever uses the keyboard stays on the control that was used, which is made anew.
 * @param {number} page
 * @param {Element} nav
 * @param {string} control
 */
const showPage = (page, nav, control) => {
  shownNow.page = page;
  shownNow.focused = page * perPage();
  drawNow();
  /** @type {HTMLButtonElement} */
  const again = inside(nav, control);
  (again.disabled ? inside(nav, "select") : again).focus({ preventScroll: true });
  grid.scrollIntoView({ block: "start" });
};

// ------------------------------------------------------------------------------------ one tile

/**
 * Return the tile of a row, if it is on the page.
 * @param {number} row
 * @returns {HTMLElement | null}
 */
export const tileOf = (row) => grid.querySelector(`[data-row="${row}"]`);

/**
 * Return a tile's place among the rows that fit.
 * @param {HTMLElement} tile
 */
export const placeOf = (tile) => shownNow.page * perPage() + [...grid.children].indexOf(tile);

/**
 * Let Tab reach one tile and its marks; arrow keys go to the others.
 * @param {number} place
 */
export const reach = (place) => {
  shownNow.focused = place;
  for (const button of grid.querySelectorAll('button[tabindex="0"]')) setTabIndex(button, -1);
  const tile = grid.children[place - shownNow.page * perPage()];
  for (const button of tile?.querySelectorAll("button") ?? []) setTabIndex(button, 0);
  return tile;
};

/**
 * @param {Element} button
 * @param {number} tabIndex
 */
const setTabIndex = (button, tabIndex) => Object.assign(button, { tabIndex });

/**
 * Show the page that a place is on.
 * @param {number} place
 */
export const showPlace = (place) => {
  const { rows, page } = shownNow;
  const focused = Math.max(Math.min(place, rows.length - 1), 0);
  const wanted = Math.floor(focused / perPage());
  const isDrawn = grid.children.length === Math.min(perPage(), rows.length - wanted * perPage());
  if (wanted === page && isDrawn) {
    reach(focused);
    return;
  }
  Object.assign(shownNow, { page: wanted, focused });
  drawNow();
};

/**
 * Move the focus to the tile at a place, if there is one.
 * @param {number} place
 */
export const goTo = (place) => {
  if (place < 0 || place >= shownNow.rows.length) return;
  showPlace(place);
  inside(reach(place), ".open").focus();
};

/** Return how many tiles there are side by side. */
const tilesAcross = () => {
  const tiles = /** @type {HTMLElement[]} */ ([...grid.children]);
  const next = tiles.findIndex((tile) => tile.offsetTop !== tiles[0].offsetTop);
  return next < 0 ? tiles.length : next;
};

/**
 * Move the focus by a key, and tell whether it was one of those that do.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} tile
 */
export const moveByKey = (event, tile) => {
  const first = shownNow.page * perPage();
  const place = placeOf(tile);
  /** @type {Record<string, () => number>} */
  const places = {
    ArrowLeft: () => place - 1,
    ArrowRight: () => place + 1,
    ArrowUp: () => place - tilesAcross(),
    ArrowDown: () => place + tilesAcross(),
    Home: () => first,
    End: () => first + grid.children.length - 1,
  };
  if (!isShortcut(event) || !(event.key in places)) return false;
  goTo(places[event.key]());
  return true;
};
