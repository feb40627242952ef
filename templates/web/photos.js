// Photos as the browser reads them.

import { toSrgb } from './colours.js';
import { separate } from './embedded.js';

const BYTES = 256 * 2 ** 20;
const PHOTO_NAME = /\.(jpe?g|jfif|png|webp|gif|bmp|avif|hei[cf]|tiff?|p[bgnp]m)$/i;

/**
 * A photo to classify; `truth` is the folder that it lay in, or "".
 * @typedef {{name: string, blob: Blob, truth: string}} Photo
 */

/**
 * Decodes a photo, upright, in sRGB, at its own size.
 * @param {Blob} blob
 * @returns {Promise<ImageData>}
 */
export async function decode(blob) {
  if (blob.size === 0) throw new Error('the file is empty');
  if (blob.size > BYTES) throw new Error('the file has more than 256 MiB');
  const parts = await separate(blob);
  const conversion = parts?.profile ? toSrgb(parts.profile, parts.gray) : null;
  const ours = parts && conversion !== 'unknown';
  let bitmap;
  try {
    bitmap = await createImageBitmap(ours ? parts.picture : blob, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'default',
    });
  } catch {
    throw new Error("this browser can't decode it: it is damaged, or has an unsupported format");
  }
  try {
    const pixels = pixelsOf(bitmap, bitmap.width, bitmap.height);
    if (typeof conversion === 'function') conversion(pixels.data);
    return pixels;
  } finally {
    bitmap.close();
  }
}

const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 */
export function pixelsOf(source, width, height) {
  canvas.width = width; // which clears it
  canvas.height = height;
  if (!context) throw new Error('this browser provides no canvas for reading pixels');
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height, { colorSpace: 'srgb' });
}

/**
 * Photos that were given, and how many other files lay beside them.
 * @typedef {{photos: Photo[], skipped: number}} Chosen
 */

/**
 * @param {Iterable<File>} files
 * @returns {Chosen}
 */
export function photosOf(files) {
  return chosenOf(
    Array.from(files, (file) => ({
      name: file.webkitRelativePath || file.name,
      blob: file,
      truth: file.webkitRelativePath.split('/').slice(-2, -1)[0] ?? '',
    })),
  );
}

/**
 * What was dropped, folders and all.
 * @param {DataTransfer} transfer
 * @returns {Promise<Chosen>}
 */
export async function droppedPhotos(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter(
    (entry) => entry !== null,
  );
  const found = await Promise.all(entries.map((entry) => within(entry, '')));
  return chosenOf(found.flat());
}

/**
 * A file that was itself given is tried whatever it is called; of a folder's only the photos are.
 * @param {Photo[]} files
 * @returns {Chosen}
 */
function chosenOf(files) {
  const seen = files.filter(({ name }) => !/(^|\/)\./.test(name));
  const photos = seen.filter(({ name, truth }) => truth === '' || PHOTO_NAME.test(name));
  return { photos, skipped: seen.length - photos.length };
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @returns {Promise<Photo[]>}
 */
async function within(entry, folder) {
  if (entry.name.startsWith('.')) return [];
  if (entry.isFile) {
    const blob = await new Promise((resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return [{ name: folder ? `${folder}/${entry.name}` : entry.name, blob, truth: folder }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found; // they come a hundred at a time
    for (const each of some) found.push(...(await within(each, entry.name)));
  }
}
