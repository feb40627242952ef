// A photo's file, its colour profile taken out, so that every browser leaves the levels as they are.

const PROFILE_BYTES = 4 * 2 ** 20;
const ICC = 'ICC_PROFILE\0';
// What else tells of a PNG's colours, which Pillow goes past (PNG, third edition, section 11.3.2).
const PNG_COLOURS = ['iCCP', 'cICP', 'sRGB', 'gAMA', 'cHRM'];

/**
 * `picture` is the file without the profile; `gray` where it has no colours.
 * @typedef {{picture: Blob, profile: Uint8Array | null, gray: boolean}} Separated
 */

/**
 * Takes a JPEG, PNG or WebP apart.
 * @param {Blob} blob
 * @returns {Promise<Separated | null>} null: it is of another kind, or in inks
 */
export async function separate(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return separateJpeg(bytes);
  if (text(bytes, 1, 3) === 'PNG') return separatePng(bytes);
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP') return separateWebp(bytes);
  return null;
}

/**
 * ICC.1:2022, B.4.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function separateJpeg(bytes) {
  const view = new DataView(bytes.buffer);
  const kept = [bytes.subarray(0, 2)];
  const parts = /** @type {Uint8Array<ArrayBuffer>[]} */ ([]);
  let components = 3;
  let place = 2;
  while (place + 4 <= bytes.length && bytes[place] === 0xff) {
    const marker = bytes[place + 1];
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda) || marker === 0xff) break;
    const end = place + 2 + view.getUint16(place + 2);
    const segment = bytes.subarray(place, end);
    if (marker === 0xe2 && text(segment, 4, ICC.length) === ICC) parts.push(segment);
    else kept.push(segment);
    const isFrame = marker < 0xd0 && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) components = segment[9];
    place = end;
  }
  if (components === 4) return null;
  kept.push(bytes.subarray(place));
  parts.sort((a, b) => a[16] - b[16]);
  const complete = parts.length > 0 && parts[0][17] === parts.length;
  const profile = complete ? joined(parts.map((part) => part.subarray(18))) : null;
  return separated(kept, 'image/jpeg', profile, components === 1);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function separatePng(bytes) {
  const view = new DataView(bytes.buffer);
  const kept = [bytes.subarray(0, 8)];
  let profile = null;
  let place = 8;
  while (place + 12 <= bytes.length) {
    const end = place + 12 + view.getUint32(place);
    const name = text(bytes, place + 4, 4);
    if (name === 'IDAT') break;
    if (name === 'iCCP') profile ??= await inflated(bytes.subarray(place + 8, end - 4));
    if (!PNG_COLOURS.includes(name)) kept.push(bytes.subarray(place, end));
    place = end;
  }
  kept.push(bytes.subarray(place));
  return separated(kept, 'image/png', profile, [0, 4].includes(bytes[25]));
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function separateWebp(bytes) {
  const view = new DataView(bytes.buffer);
  const kept = [bytes.slice(0, 12)];
  let profile = null;
  let place = 12;
  while (place + 8 <= bytes.length) {
    const length = view.getUint32(place + 4, true);
    const end = place + 8 + length + (length % 2);
    const name = text(bytes, place, 4);
    if (name === 'ICCP') {
      profile ??= bytes.subarray(place + 8, place + 8 + length);
    } else {
      const chunk = bytes.slice(place, end);
      if (name === 'VP8X') chunk[8] &= ~0x20; // that there is a profile
      kept.push(chunk);
    }
    place = end;
  }
  const size = kept.reduce((sum, chunk) => sum + chunk.length, 0) - 8;
  new DataView(kept[0].buffer).setUint32(4, size, true);
  return separated(kept, 'image/webp', profile, false);
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} kept
 * @param {string} type
 * @param {Uint8Array | null} profile
 * @param {boolean} gray
 * @returns {Separated}
 */
function separated(kept, type, profile, gray) {
  const usable = profile && profile.length <= PROFILE_BYTES ? profile : null;
  return { picture: new Blob(kept, { type }), profile: usable, gray };
}

/**
 * The profile of an iCCP chunk; null where it is damaged or far too large.
 * @param {Uint8Array<ArrayBuffer>} chunk
 */
async function inflated(chunk) {
  const packed = new Blob([chunk.subarray(chunk.indexOf(0) + 2)]);
  const reader = packed.stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  const parts = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return joined(parts);
      size += value.length;
      if (size > PROFILE_BYTES) return null;
      parts.push(value);
    }
  } catch {
    return null;
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} length
 */
function text(bytes, start, length) {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
