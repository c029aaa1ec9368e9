// Where on the sky a pixel lies, as text and in degrees.
import { columns, data } from "./table.js";

const RADIAN = Math.PI / 180;

/**
 * Return the linear part of a row's WCS, degrees per pixel; null if there is no WCS.
 * @param {number} row
 */
const frameOf = (row) => {
  const place = data.sky.rows[row];
  return place && data.sky.frames[place[0]];
};

/**
 * Return the position of a pixel, counted from 0 and from the top, in degrees; null if it is off
 * the sky or there is no WCS.
 * @param {number} row
 * @param {number} x
 * @param {number} y
 */
const skyAt = (row, x, y) => {
  const frame = frameOf(row);
  const place = data.sky.rows[row];
  if (!frame || !place) return null;
  const [crpix1, crpix2, cd11, cd12, cd21, cd22, projection] = frame;
  const p = x + 1 - crpix1;
  const q = y + 1 - crpix2;
  const plane = [(cd11 * p + cd12 * q) * RADIAN, (cd21 * p + cd22 * q) * RADIAN];
  const direction = directionOf(plane[0], plane[1], projection);
  return direction && rotated(direction, place[1], place[2]);
};

/**
 * Return the direction east, north and along the line of sight of a place in the plane.
 * @param {number} east
 * @param {number} north
 * @param {string} projection
 */
const directionOf = (east, north, projection) => {
  const square = east * east + north * north;
  if (projection === "TAN") {
    const outward = 1 / Math.sqrt(1 + square);
    return [east * outward, north * outward, outward];
  }
  return square > 1 ? null : [east, north, Math.sqrt(1 - square)];
};

/**
 * Return right ascension and declination of a direction, seen from a reference position.
 * @param {number[]} direction
 * @param {number} ra0
 * @param {number} dec0
 */
const rotated = ([east, north, outward], ra0, dec0) => {
  const sin = Math.sin(dec0 * RADIAN);
  const cos = Math.cos(dec0 * RADIAN);
  const meridian = outward * cos - north * sin;
  const ra = ra0 + Math.atan2(east, meridian) / RADIAN;
  const dec = Math.atan2(outward * sin + north * cos, Math.hypot(east, meridian)) / RADIAN;
  return [((ra % 360) + 360) % 360, dec];
};

// ------------------------------------------------------------------------------------------ text

/** @param {number} n */
const twoDigits = (n) => String(n).padStart(2, "0");

/**
 * @param {number} value in the unit of the first of the three parts
 * @param {number} digits behind the point of the last part
 * @param {string[]} units
 * @param {number} whole where the value begins again at 0
 */
const sexagesimal = (value, digits, units, whole) => {
  const unit = 10 ** digits;
  let rest = Math.round(value * 3600 * unit) % (whole * 3600 * unit);
  const seconds = rest % (60 * unit);
  rest = Math.round((rest - seconds) / (60 * unit));
  const parts = [
    twoDigits(Math.floor(rest / 60)),
    twoDigits(rest % 60),
    (seconds / unit).toFixed(digits).padStart(digits + 3, "0"),
  ];
  return parts.map((part, n) => part + units[n]).join("");
};

/**
 * Return what there is to say about a pixel's position.
 * @param {number} row
 * @param {number} x
 * @param {number} y
 */
export const positionText = (row, x, y) => {
  const pixel = `pixel x ${x.toFixed(1)}, y ${y.toFixed(1)}`;
  if (!frameOf(row)) {
    return `no coordinates: the sidecar is missing or of another kind\n${pixel}`;
  }
  const position = skyAt(row, x, y);
  if (!position) return `off the sky\n${pixel}`;
  const [ra, dec] = position;
  const hours = sexagesimal(ra / 15, 3, ["h ", "m ", "s"], 24);
  const degrees = sexagesimal(Math.abs(dec), 2, ["\u00b0 ", "\u2032 ", "\u2033"], 360);
  const sign = dec < 0 ? "\u2212" : "+";
  return [
    `RA ${ra.toFixed(7)}\u00b0, Dec ${dec.toFixed(7)}\u00b0`,
    `${hours}, ${sign}${degrees}`,
    pixel,
  ].join("\n");
};

// ------------------------------------------------------------------------------ scale and compass

/**
 * Return a row's scale in arcsec per pixel; NaN if it is not known.
 * @param {number} row
 */
export const pixelScale = (row) => {
  const frame = frameOf(row);
  if (!frame) return Number(columns.scale?.values[row] ?? Number.NaN);
  const [, , cd11, cd12, cd21, cd22] = frame;
  return 3600 * Math.sqrt(Math.abs(cd11 * cd22 - cd12 * cd21));
};

/**
 * Return the directions of north and east in the picture, x to the right and y downwards, of
 * length 1; null if there is no WCS.
 * @param {number} row
 */
export const northAndEast = (row) => {
  const frame = frameOf(row);
  if (!frame) return null;
  const [, , cd11, cd12, cd21, cd22] = frame;
  const sign = Math.sign(cd11 * cd22 - cd12 * cd21);
  return { north: unit(-cd12 * sign, cd11 * sign), east: unit(cd22 * sign, -cd21 * sign) };
};

/**
 * @param {number} x
 * @param {number} y
 */
const unit = (x, y) => [x / Math.hypot(x, y), y / Math.hypot(x, y)];
