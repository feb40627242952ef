// node preprocessing.mjs MODULES GOLDEN: the page's numbers against Python's; prints what differs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, golden] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(modules, name)).href);
const { encode, fit, region } = await load('pixels.js');
const { best, readScores } = await load('scores.js');
const bytes = (name) => new Uint8Array(readFileSync(join(golden, name)));
const { views, scores } = JSON.parse(readFileSync(join(golden, 'golden.json'), 'utf8'));

let compared = 0;
const faults = [];

for (const view of views) {
  if (view.rotation !== 0) continue; // the browser turns photos upright
  const data = bytes(view.photo); // 0xAARRGGBB, little-endian
  for (let i = 0; i < data.length; i += 4) [data[i], data[i + 2]] = [data[i + 2], data[i]];
  const photo = { data, width: view.width, height: view.height };
  for (const { spec, file } of view.inputs) {
    const [, rows, columns] = spec.input.shape;
    const values = encode(fit(photo, spec.resize.rule, columns, rows), spec.input);
    const actual = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const what = `${view.width}x${view.height} ${view.rule} ${spec.input.dtype}`;
    if (Buffer.compare(actual, bytes(file)) !== 0) faults.push(what);
    const seen = Object.values(region(view.rule, photo.width, photo.height, columns, rows));
    if (seen.some((side, i) => Math.abs(side - view.region[i]) > 1e-9)) faults.push(`${what} region`);
    compared++;
  }
}

for (const { spec, output, scores: expected, top } of scores) {
  const actual = readScores(bytes(output), spec.output);
  const what = `${spec.output.dtype} ${spec.output.semantics}`;
  if (actual.some((score, i) => Math.abs(score - expected[i]) > 1e-5)) faults.push(what);
  for (const { k, order } of top) {
    if (String(best(actual, k).map(({ index }) => index)) !== String(order)) faults.push(`${what} ${k}`);
  }
  compared++;
}

console.log(JSON.stringify({ compared, faults }));
