// Colours of a photo in sRGB, rounded as littlecms rounds them: Python's Pillow uses that, and browsers
// round in other ways.
//
// Profiles are ICC.1:2022. Of those with three curves and a matrix all is computed here.

import { overWhite } from './pixels.js';

const ONE = 1 << 14; // littlecms computes with whole numbers of 1 / 2^14
// From XYZ (D50) to linear sRGB.
const TO_SRGB = [
  [3.134186364237, -1.617208958998, -0.490694064006],
  [-0.978748504191, 1.916130096774, 0.033433399160],
  [0.071963927802, -0.228993873453, 1.405753732896],
];
// The levels at which a profile is compared with sRGB. What differs by no more than two is sRGB in
// other words.
const PROBES = [0, 32, 64, 96, 128, 159, 191, 223, 255];
const SAME = 2;

/**
 * Changes RGBA levels in place. What is transparent becomes white.
 * @typedef {(levels: Uint8ClampedArray | Uint8Array) => void} Conversion
 */

/**
 * How a profile's colours become those of sRGB; null where they are, or where the profile is damaged or
 * for another kind of picture.
 * @param {Uint8Array} profile
 * @param {boolean} gray whether the picture has no colours
 * @returns {Conversion | 'unknown' | null} unknown: the profile is of another kind
 */
export function toSrgb(profile, gray) {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  try {
    if (word(view, 36) !== 'acsp') return null;
    if (word(view, 16) !== (gray ? 'GRAY' : 'RGB ')) return null;
    if (gray) return 'unknown';
    const tags = tagsOf(view);
    const parts = ['rTRC', 'gTRC', 'bTRC', 'rXYZ', 'gXYZ', 'bXYZ'].map((name) => tags.get(name));
    const simple = parts.every((part) => part !== undefined);
    if (!simple || tags.has('A2B0') || tags.has('D2B0') || word(view, 20) !== 'XYZ ') {
      return 'unknown';
    }
    const [red, green, blue, ...columns] = /** @type {number[]} */ (parts);
    const curves = [red, green, blue].map((at) => firstTable(curveAt(view, at)));
    if (curves.some((curve) => curve[0] !== 0)) return 'unknown'; // its black isn't black
    const matrix = product(columns.map((at) => [0, 1, 2].map((i) => fixed(view, at + 8 + 4 * i))));
    const conversion = converting(curves, matrix);
    return isSrgb(conversion) ? null : conversion;
  } catch (error) {
    if (error instanceof RangeError) return null; // it ends too early
    throw error;
  }
}

/** @param {DataView} view */
function tagsOf(view) {
  const tags = /** @type {Map<string, number>} */ (new Map());
  const count = view.getUint32(128);
  for (let i = 0; i < Math.min(count, 100); i++) {
    tags.set(word(view, 132 + 12 * i), view.getUint32(136 + 12 * i));
  }
  return tags;
}

/**
 * A curve from 0..1 to 0..1.
 * @param {DataView} view
 * @param {number} at
 * @returns {(value: number) => number}
 */
function curveAt(view, at) {
  const kind = word(view, at);
  if (kind === 'curv') {
    const count = view.getUint32(at + 8);
    if (count === 0) return (x) => x;
    if (count === 1) {
      const gamma = view.getUint16(at + 12) / 256;
      return (x) => x ** gamma;
    }
    view.getUint16(at + 10 + 2 * count); // that it is all there
    return (x) => sampled(view, at + 12, count - 1, Math.floor(x * 65535 + 0.5)) / 65535;
  }
  if (kind !== 'para') throw new RangeError('no curve');
  const form = view.getUint16(at + 8);
  const counts = [1, 3, 4, 5, 7];
  if (form >= counts.length) throw new RangeError('no such curve');
  const [g, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from(
    { length: counts[form] },
    (_, i) => fixed(view, at + 12 + 4 * i),
  );
  const power = (/** @type {number} */ x) => Math.max(a * x + b, 0) ** g;
  if (form === 0) return power;
  if (form === 1) return (x) => (x >= -b / a ? power(x) : 0);
  if (form === 2) return (x) => (x >= -b / a ? power(x) + c : c);
  return (x) => (x >= d ? power(x) + e : c * x + f);
}

/**
 * Between two of a table's numbers, in whole numbers of 16 bits.
 * @param {DataView} view
 * @param {number} at
 * @param {number} last
 * @param {number} value
 */
function sampled(view, at, last, value) {
  if (value === 65535) return view.getUint16(at + 2 * last);
  const scaled = last * value;
  const place = scaled + Math.floor((scaled + 0x7fff) / 0xffff);
  const cell = Math.floor(place / 65536);
  const low = view.getUint16(at + 2 * cell);
  const high = view.getUint16(at + 2 * cell + 2);
  return low + Math.floor(((high - low) * (place % 65536) + 0x8000) / 65536);
}

/** @param {(value: number) => number} curve */
function firstTable(curve) {
  return Int32Array.from({ length: 256 }, (_, i) =>
    rounded(Math.fround(curve(Math.fround(i / 255)))),
  );
}

/** From linear sRGB, 0..`ONE`, to its levels. */
const lastTable = Uint8Array.from({ length: ONE + 1 }, (_, i) => {
  const linear = i / ONE;
  const level =
    linear >= ((0.04045 + 0.055) / 1.055) ** 2.4
      ? linear ** (1 / 2.4) * 1.055 - 0.055
      : linear * 12.92;
  const fine = Math.floor(Math.fround(Math.min(Math.max(level, 0), 1)) * 65535 + 0.5);
  return (fine * 65281 + 8388608) / 16777216; // littlecms' way from 16 to 8 bits
});

/**
 * @param {number[][]} columns of the profile's matrix
 * @returns {number[][]} rows of the matrix from the profile's linear RGB to that of sRGB
 */
function product(columns) {
  return TO_SRGB.map((row) =>
    columns.map((column) =>
      rounded(row[0] * column[0] + row[1] * column[1] + row[2] * column[2]),
    ),
  );
}

/**
 * @param {Int32Array[]} curves
 * @param {number[][]} matrix
 * @returns {Conversion}
 */
function converting([red, green, blue], matrix) {
  return (levels) => {
    for (let i = 0; i < levels.length; i += 4) {
      const r = red[overWhite(levels, i, 0)];
      const g = green[overWhite(levels, i, 1)];
      const b = blue[overWhite(levels, i, 2)];
      for (let channel = 0; channel < 3; channel++) {
        const row = matrix[channel];
        const linear = (row[0] * r + row[1] * g + row[2] * b + ONE / 2) >> 14;
        levels[i + channel] = lastTable[linear < 0 ? 0 : linear > ONE ? ONE : linear];
      }
      levels[i + 3] = 255;
    }
  };
}

/** @param {Conversion} conversion */
function isSrgb(conversion) {
  const before = new Uint8Array(4 * PROBES.length ** 3);
  let at = 0;
  for (const red of PROBES) {
    for (const green of PROBES) {
      for (const blue of PROBES) {
        before.set([red, green, blue, 255], at);
        at += 4;
      }
    }
  }
  const after = before.slice();
  conversion(after);
  return after.every((level, i) => Math.abs(level - before[i]) <= SAME);
}

/** @param {number} value */
function rounded(value) {
  return Math.floor(value * ONE + 0.5);
}

/**
 * @param {DataView} view
 * @param {number} at
 */
function fixed(view, at) {
  return view.getInt32(at) / 65536;
}

/**
 * @param {DataView} view
 * @param {number} at
 */
function word(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}
