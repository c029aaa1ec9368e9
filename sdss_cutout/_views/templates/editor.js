// The dialog in which keys get their classes.
import { classNames, classNumber, setClass } from "./classes.js";
import { byId, element } from "./dom.js";
import { showMarks } from "./marking.js";
import { renameMarks } from "./marks.js";

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
