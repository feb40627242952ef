// The model and its contract as one: a photo's pixels in, scores and times out.

import { checkModel, labelsFile, readContract, readLabels } from './contract.js';
import { openModel } from './model.js';
import { encode, fit } from './pixels.js';
import { readScores } from './scores.js';

/**
 * What the model says of a photo. `levels` is the photo as the model sees it, times are in ms.
 * @typedef {{scores: Float32Array, levels: Uint8Array, prepared: number, inferred: number}} Said
 */

/**
 * `labels` are those to show, `names` all lists of names of the same classes.
 * @typedef {{
 *   contract: import('./contract.js').Contract,
 *   labels: string[],
 *   names: string[][],
 *   classify: (photo: import('./pixels.js').Pixels) => Promise<Said>,
 * }} Classifier
 */

/** @returns {Promise<Classifier>} */
export async function openClassifier() {
  const contract = readContract(parsed(await download('model_spec.json')));
  const shown = labelsFile(contract, navigator.languages);
  const [bytes, ...texts] = await Promise.all(
    [contract.model.file, shown.file, contract.labels.file].map(download),
  );
  const labels = await readLabels(contract, shown, texts[0]);
  const usual = await readLabels(contract, contract.labels, texts[1]);
  await checkModel(contract, bytes);
  const model = await openModel(bytes, contract);
  const [, rows, columns] = contract.input.shape;
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @param {import('./pixels.js').Pixels} photo */
  async function run(photo) {
    const start = performance.now();
    const levels = fit(photo, contract.resize.rule, columns, rows);
    const input = encode(levels, contract.input);
    const ready = performance.now();
    const scores = readScores(await model.run(input), contract.output);
    return { scores, levels, prepared: ready - start, inferred: performance.now() - ready };
  }

  /** @param {import('./pixels.js').Pixels} photo */
  function classify(photo) {
    const said = turn.then(() => run(photo)); // one at a time
    turn = said.catch(() => {});
    return said;
  }
  return { contract, labels, names: [labels, usual], classify };
}

/** @param {string} name */
async function download(name) {
  let response;
  try {
    response = await fetch(name, { cache: 'no-cache' });
  } catch (error) {
    throw new Error(`${name} can't be loaded (${error}). Check the connection to the server.`);
  }
  if (!response.ok) {
    throw new Error(`${name} can't be loaded: the server says ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {Uint8Array} bytes */
function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
