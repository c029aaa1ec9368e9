// The page's elements that more than one part of the program uses.
import { byId } from "./dom.js";

/** @type {HTMLInputElement} */
export const searchBox = byId("search");
/** @type {HTMLSelectElement} */
export const sortChoice = byId("sort");
export const directionButton = byId("direction");
/** @type {HTMLSelectElement} */
export const captionChoice = byId("caption");
/** @type {HTMLSelectElement} */
export const perPageChoice = byId("per-page");
/** @type {HTMLImageElement} */
export const picture = byId("picture");
export const viewport = byId("viewport");
/** @type {HTMLInputElement} */
export const commentBox = byId("comment");
