// Marks that come and go: exported, loaded, cleared, or changed in another tab.
import { classesKey, loadClasses } from "./classes.js";
import { byId, counted, element, say } from "./dom.js";
import { arrange } from "./grid.js";
import { showClasses, showMarks } from "./marking.js";
import { clearMarks, loadMarks, marksAsCsv, marksKey, mergeMarks } from "./marks.js";

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
  showClasses();
  arrange();
});
addEventListener("storage", (event) => {
  if (event.key === classesKey) loadClasses();
  else if (event.key === marksKey) loadMarks();
  else return;
  showMarks();
});
