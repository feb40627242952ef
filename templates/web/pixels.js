// From a photo's pixels to the numbers that the model takes, by the rules of model_spec.json.
//
// A canvas resizes differently in each browser, so it is never asked to.

const CROP = 0.875;
// Weights are whole numbers of 1 / 2^22: 255 times a sum of them still fits 31 bits.
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/**
 * A decoded photo: RGBA, row by row, not premultiplied, upright.
 * @typedef {{data: Uint8ClampedArray | Uint8Array, width: number, height: number}} Pixels
 */

/**
 * What the model sees of an upright photo, in pixels that needn't be whole.
 * @typedef {{left: number, top: number, width: number, height: number}} Region
 */

/**
 * @param {string} rule "stretch" or "crop"
 * @param {number} width of the photo
 * @param {number} height of the photo
 * @param {number} columns of the input
 * @param {number} rows of the input
 * @returns {Region}
 */
export function region(rule, width, height, columns, rows) {
  if (rule === 'stretch') return { left: 0, top: 0, width, height };
  const byWidth = width * rows <= height * columns;
  const across = byWidth ? CROP * width : (CROP * height * columns) / rows;
  const down = byWidth ? (CROP * width * rows) / columns : CROP * height;
  return { left: (width - across) / 2, top: (height - down) / 2, width: across, height: down };
}

/**
 * Fits a photo into the input: RGB levels 0..255, row by row.
 * @param {Pixels} photo
 * @param {string} rule "stretch" or "crop"
 * @param {number} columns
 * @param {number} rows
 * @returns {Uint8Array}
 */
export function fit(photo, rule, columns, rows) {
  return rule === 'stretch' ? stretched(photo, columns, rows) : cropped(photo, columns, rows);
}

/**
 * @param {Pixels} photo
 * @param {number} columns
 * @param {number} rows
 */
function stretched(photo, columns, rows) {
  const across = between(photo.width, columns);
  const down = between(photo.height, rows);
  const levels = new Uint8Array(columns * rows * 3);
  const pixels = photo.data;
  let at = 0;
  for (let y = 0; y < rows; y++) {
    const above = down.first[y] * photo.width;
    const below = down.second[y] * photo.width;
    for (let x = 0; x < columns; x++) {
      const a = (above + across.first[x]) * 4;
      const b = (above + across.second[x]) * 4;
      const c = (below + across.first[x]) * 4;
      const d = (below + across.second[x]) * 4;
      for (let channel = 0; channel < 3; channel++) {
        const aboveLeft = overWhite(pixels, a, channel);
        const belowLeft = overWhite(pixels, c, channel);
        const upper = aboveLeft + (overWhite(pixels, b, channel) - aboveLeft) * across.share[x];
        const lower = belowLeft + (overWhite(pixels, d, channel) - belowLeft) * across.share[x];
        levels[at++] = upper + (lower - upper) * down.share[y];
      }
    }
  }
  return levels;
}

/**
 * Along one side, each output pixel lies between two input pixels.
 * @param {number} side
 * @param {number} size
 */
function between(side, size) {
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const share = new Float64Array(size);
  const scale = side / size;
  for (let i = 0; i < size; i++) {
    const place = (i + 0.5) * scale - 0.5;
    const before = Math.floor(place);
    first[i] = Math.min(Math.max(before, 0), side - 1);
    second[i] = Math.min(Math.max(before + 1, 0), side - 1);
    share[i] = place - before;
  }
  return { first, second, share };
}

/**
 * First along the rows, rounded to whole levels, then down.
 * @param {Pixels} photo
 * @param {number} columns
 * @param {number} rows
 */
function cropped(photo, columns, rows) {
  const seen = region('crop', photo.width, photo.height, columns, rows);
  const across = averages(photo.width, seen.left, seen.width, columns);
  const down = averages(photo.height, seen.top, seen.height, rows);
  const firstRow = down.start[0];
  const lastRow = down.start[rows - 1] + down.count[rows - 1];
  const rowBytes = columns * 3;
  const narrow = new Uint8Array((lastRow - firstRow) * rowBytes);
  let at = 0;
  for (let row = firstRow; row < lastRow; row++) {
    for (let x = 0; x < columns; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = HALF;
        let from = (row * photo.width + across.start[x]) * 4;
        for (let k = 0; k < across.count[x]; k++, from += 4) {
          sum += overWhite(photo.data, from, channel) * across.weights[x * across.reach + k];
        }
        narrow[at++] = sum >>> PRECISION;
      }
    }
  }
  const levels = new Uint8Array(rows * rowBytes);
  at = 0;
  for (let y = 0; y < rows; y++) {
    const from = (down.start[y] - firstRow) * rowBytes;
    for (let x = 0; x < rowBytes; x++) {
      let sum = HALF;
      for (let k = 0; k < down.count[y]; k++) {
        sum += narrow[from + k * rowBytes + x] * down.weights[y * down.reach + k];
      }
      levels[at++] = sum >>> PRECISION;
    }
  }
  return levels;
}

/**
 * Along one side, each output pixel is an average of the input pixels that it covers.
 * @param {number} side
 * @param {number} from
 * @param {number} length
 * @param {number} size
 */
function averages(side, from, length, size) {
  const scale = length / size;
  const support = Math.max(scale, 1);
  const reach = 2 * Math.trunc(support) + 3;
  const start = new Int32Array(size);
  const count = new Int32Array(size);
  const weights = new Int32Array(size * reach);
  for (let i = 0; i < size; i++) {
    const centre = from + (i + 0.5) * scale;
    const begin = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), side);
    const weight = (/** @type {number} */ pixel) =>
      Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / support);
    let sum = 0;
    for (let pixel = begin; pixel < end; pixel++) sum += weight(pixel);
    for (let pixel = begin; pixel < end; pixel++) {
      const share = weight(pixel) / sum;
      weights[i * reach + pixel - begin] = Math.trunc(0.5 + share * (1 << PRECISION));
    }
    start[i] = begin;
    count[i] = end - begin;
  }
  return { start, count, weights, reach };
}

/**
 * What is transparent is white, as in the pictures that the model was trained on.
 * @param {Uint8ClampedArray | Uint8Array} pixels
 * @param {number} at
 * @param {number} channel
 */
export function overWhite(pixels, at, channel) {
  const alpha = pixels[at + 3];
  const level = pixels[at + channel];
  return alpha === 255 ? level : Math.trunc((level * alpha + 255 * (255 - alpha) + 127) / 255);
}

/**
 * Turns RGB levels into the numbers that the model takes.
 * @param {Uint8Array} levels
 * @param {import('./contract.js').Input} input
 * @returns {Uint8Array | Int8Array | Float32Array}
 */
export function encode(levels, input) {
  if (input.dtype === 'uint8') return levels;
  const table = entries(input);
  const values =
    input.dtype === 'int8' ? new Int8Array(levels.length) : new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) values[i] = table[(i % 3) * 256 + levels[i]];
  return values;
}

/**
 * What each of a channel's 256 levels becomes; every step in float32, as Python computes it.
 * @param {import('./contract.js').Input} input
 */
function entries(input) {
  const f = Math.fround;
  const table = new Float32Array(3 * 256);
  for (let i = 0; i < table.length; i++) {
    const channel = Math.floor(i / 256);
    const mean = f(input.mean[channel % input.mean.length]);
    const std = f(input.std[channel % input.std.length]);
    const real = f(f((i % 256) - mean) / std);
    if (input.dtype === 'float32') {
      table[i] = real;
    } else {
      const whole = evenly(f(f(real / f(input.scale ?? 1)) + (input.zero_point ?? 0)));
      table[i] = Math.min(Math.max(whole, -128), 127);
    }
  }
  return table;
}

/**
 * The nearest whole number; of two, the even one.
 * @param {number} value
 */
function evenly(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
