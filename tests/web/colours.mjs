// node colours.mjs MODULES LEVELS PHOTO...: takes each photo apart and converts LEVELS (RGBA) by its
// profile. Leaves PHOTO.picture, PHOTO.levels; prints what became of the profiles.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, levels, ...photos] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(modules, name)).href);
const { separate } = await load('embedded.js');
const { toSrgb } = await load('colours.js');

const found = {};
for (const photo of photos) {
  const parts = await separate(new Blob([readFileSync(photo)]));
  if (!parts) {
    found[photo] = 'left';
    continue;
  }
  writeFileSync(`${photo}.picture`, new Uint8Array(await parts.picture.arrayBuffer()));
  const conversion = parts.profile ? toSrgb(parts.profile, parts.gray) : null;
  const converts = typeof conversion === 'function';
  found[photo] = converts ? 'converted' : conversion;
  if (!converts) continue;
  const data = new Uint8Array(readFileSync(levels));
  conversion(data);
  writeFileSync(`${photo}.levels`, data);
}
console.log(JSON.stringify(found));
