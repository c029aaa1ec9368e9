// The controls around the grid: search, filters, order, columns, help and theme. Starts the page.
import {
  captionChoice,
  directionButton,
  perPageChoice,
  searchBox,
  sortChoice,
} from "./controls.js";
import { around, byId, counted, element, isShortcut, storage, thousands } from "./dom.js";
import { addFilter, columnOptions, forgetHaystacks } from "./filters.js";
import { arrange, draw, grid, shownNow, showPlace } from "./grid.js";
import { showClasses } from "./marking.js";
import { loadMarks } from "./marks.js";
import { count, data, isVisible, setVisible, statuses } from "./table.js";

// -------------------------------------------------------------------------------- sort and filter

const filters = byId("filters");

sortChoice.append(
  element("option", { value: "", textContent: "order of the targets" }),
  ...columnOptions(),
);
captionChoice.append(
  element("option", { value: "sort", textContent: "the column sorted by" }),
  element("option", { value: "", textContent: "nothing" }),
  ...columnOptions(),
);

byId("tools").addEventListener("submit", (event) => event.preventDefault());
byId("add-filter").addEventListener("click", addFilter);
filters.addEventListener("click", (event) => {
  const button = around(event, ".remove");
  if (!button) return;
  button.closest(".filter")?.remove();
  byId("add-filter").focus();
  arrange();
});
// Typing has filtered already when a text field reports its change, which is at the loss of focus.
filters.addEventListener("input", (event) => {
  if (around(event, "input")) arrange();
});
filters.addEventListener("change", (event) => {
  if (around(event, "select")) arrange();
});
searchBox.addEventListener("input", arrange);
sortChoice.addEventListener("change", arrange);
captionChoice.addEventListener("change", draw);
perPageChoice.addEventListener("change", () => showPlace(shownNow.focused));
directionButton.addEventListener("click", () => {
  const isDown = directionButton.ariaPressed !== "true";
  directionButton.ariaPressed = String(isDown);
  directionButton.textContent = isDown ? "Descending" : "Ascending";
  arrange();
});
/** @type {HTMLInputElement} */
const tileSize = byId("size");
tileSize.addEventListener("input", () => grid.style.setProperty("--tile", `${tileSize.value}px`));

// On a narrow screen the controls would fill the first page.
const isNarrow = matchMedia("(max-width: 45rem)");
const foldControls = () => byId("arranging").toggleAttribute("open", !isNarrow.matches);
isNarrow.addEventListener("change", foldControls);
foldControls();

// ---------------------------------------------------------------------------------------- columns

byId("column-boxes").append(
  ...data.columns.map((column) => {
    const box = element("input", { type: "checkbox", checked: isVisible(column) });
    box.addEventListener("change", () => {
      setVisible(column, box.checked);
      forgetHaystacks();
      arrange();
    });
    return element("label", {}, box, ` ${column.name}`);
  }),
);

// ------------------------------------------------------------------------------------------- help

/** @type {HTMLDialogElement} */
const help = byId("help");
byId("show-help").addEventListener("click", () => help.showModal());
byId("help-done").addEventListener("click", () => help.close());
addEventListener("keydown", (event) => {
  if (!isShortcut(event)) return;
  if (event.key === "?" && !help.open) help.showModal();
  else if (event.key === "/" && !document.querySelector("dialog[open]")) goToSearch();
  else return;
  event.preventDefault();
});

const goToSearch = () => {
  byId("arranging").toggleAttribute("open", true);
  searchBox.focus();
};

// ------------------------------------------------------------------------------------------ theme

/** @type {Record<string, string>} */
const THEMES = { "": "as the system", light: "light", dark: "dark" };
const themeKey = "sdss_cutout theme";

/** @param {string} theme */
const setTheme = (theme) => {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = `Theme: ${THEMES[theme]}`;
};

byId("theme").addEventListener("click", () => {
  const order = Object.keys(THEMES);
  const now = document.documentElement.dataset.theme ?? "";
  const theme = order[(order.indexOf(now) + 1) % order.length];
  setTheme(theme);
  storage.set(themeKey, theme);
});

const storedTheme = storage.get(themeKey) ?? "";
setTheme(storedTheme in THEMES ? storedTheme : "");

// ------------------------------------------------------------------------------------------ start

const showSummary = () => {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  const parts = Object.entries(counts).map(([status, n]) => `${status} ${thousands(n)}`);
  byId("summary").textContent = `${counted(count, "target")}: ${parts.join(", ")}`;
};

showSummary();
loadMarks();
arrange();
showClasses();
