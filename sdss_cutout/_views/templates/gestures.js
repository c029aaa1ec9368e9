// Wheel, double click, drag, swipe and pinch on the picture in the viewer.
import { viewport } from "./controls.js";
import { step } from "./viewer.js";
import { fit, followPointer, isMeasured, isZoomed, zoomAt } from "./zoom.js";

/** @typedef {{x: number, y: number}} Point */

const WHEEL_STEP = 400; // wheel pixels for a factor of e
const DOUBLE_CLICK = 3; // magnification
const SWIPE = 60; // screen pixels

/** The pointers that are down, each where it was last. @type {Map<number, Point>} */
const pointers = new Map();
/** @type {Point} */
let start = { x: 0, y: 0 };
/** Whether a second finger was down since the first one came. */
let wasPinched = false;

viewport.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    // Wheels report lines in some browsers; a pinch on a touch pad comes as a small turn with Ctrl.
    const unit = (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1) * (event.ctrlKey ? 5 : 1);
    zoomAt(Math.exp((-event.deltaY * unit) / WHEEL_STEP), event.clientX, event.clientY);
  },
  { passive: false },
);

viewport.addEventListener("dblclick", (event) => {
  if (isZoomed()) fit();
  else zoomAt(DOUBLE_CLICK, event.clientX, event.clientY);
});

viewport.addEventListener("pointerdown", (event) => {
  followPointer(event);
  if (event.button !== 0 || isOnScrollBar(event)) return;
  if (!pointers.size) {
    start = pointOf(event);
    wasPinched = false;
  }
  pointers.set(event.pointerId, pointOf(event));
  if (isMeasured() && event.isTrusted) viewport.setPointerCapture(event.pointerId);
});

viewport.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) {
    followPointer(event);
    return;
  }
  const now = pointOf(event);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) pinch(before, now, other);
  else if (isZoomed()) pan(before, now);
  pointers.set(event.pointerId, now);
});

viewport.addEventListener("pointerup", (event) => {
  const wasDown = pointers.delete(event.pointerId);
  if (!wasDown || pointers.size || wasPinched || isZoomed()) return;
  const dx = event.clientX - start.x;
  const dy = event.clientY - start.y;
  if (Math.abs(dx) >= SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) step(dx < 0 ? 1 : -1);
});

viewport.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));

/** @param {PointerEvent} event */
const pointOf = (event) => ({ x: event.clientX, y: event.clientY });

/** @param {PointerEvent} event */
const isOnScrollBar = (event) => {
  const box = viewport.getBoundingClientRect();
  const isRight = event.clientX >= box.left + viewport.clientWidth;
  return isRight || event.clientY >= box.top + viewport.clientHeight;
};

/**
 * @param {Point} before
 * @param {Point} now
 */
const pan = (before, now) => viewport.scrollBy(before.x - now.x, before.y - now.y);

/**
 * @param {Point} before
 * @param {Point} now
 * @param {Point} other finger, which rests
 */
const pinch = (before, now, other) => {
  wasPinched = true;
  const apart = (/** @type {Point} */ point) => Math.hypot(point.x - other.x, point.y - other.y);
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  if (apart(before) > 0) zoomAt(apart(now) / apart(before), middle.x, middle.y);
};
