// Redraws wait while a mouse button is down. A browser sends a click only where the element that
// was pressed is still there at the release; a redraw in between, such as the one that the loss of
// focus by a text field brings about, would lose the click.

let isPressed = false;

/** @type {Set<() => void>} */
const waiting = new Set();

/**
 * Run a redraw now, or as soon as the mouse button that is down has been released.
 * @param {() => void} redraw
 */
export const whenReleased = (redraw) => {
  if (isPressed) waiting.add(redraw);
  else redraw();
};

const release = () => {
  isPressed = false;
  const redraws = [...waiting];
  waiting.clear();
  for (const redraw of redraws) redraw();
};

const press = () => {
  isPressed = true;
};

addEventListener("mousedown", press, true);
addEventListener("click", release); // behind all that the page does with it
// Where no click follows; it would within the same task.
for (const type of ["mouseup", "dragend", "blur"]) {
  addEventListener(type, () => setTimeout(release), true);
}
