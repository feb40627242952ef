// The model and its contract as one: a photo's pixels in, scores and times out.

import { checkModel, labelsFile, readContract, readLabels } from './contract.js';
import { openOnGpu } from './gpu.js';
import { openModel } from './model.js';
import { encode, fit } from './pixels.js';
import { readScores } from './scores.js';

/**
 * What the model says of a photo. `levels` is the photo as the model sees it, times are in ms.
 * @typedef {{
 *   scores: Float32Array, levels: Uint8Array, prepared: number, inferred: number, onGpu: boolean,
 * }} Said
 */

/**
 * `labels` are those to show, `names` all lists of names of the same classes.
 * @typedef {{
 *   contract: import('./contract.js').Contract,
 *   labels: string[],
 *   names: string[][],
 *   classify: (photo: import('./pixels.js').Pixels) => Promise<Said>,
 *   setGpu: (wanted: boolean) => Promise<void>,
 * }} Classifier
 */

/**
 * @param {(error: unknown) => void} onGpuLost is told why the CPU has taken over
 * @returns {Promise<Classifier>}
 */
export async function openClassifier(onGpuLost) {
  const contract = readContract(parsed(await download('model_spec.json')));
  const shown = labelsFile(contract, navigator.languages);
  const [bytes, ...texts] = await Promise.all(
    [contract.model.file, shown.file, contract.labels.file].map(download),
  );
  const labels = await readLabels(contract, shown, texts[0]);
  const usual = await readLabels(contract, contract.labels, texts[1]);
  await checkModel(contract, bytes);
  const cpu = await openModel(bytes, contract);
  /** @type {import('./model.js').Model | null} */
  let gpu = null;
  const [, rows, columns] = contract.input.shape;
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @param {import('./pixels.js').Pixels} photo */
  async function run(photo) {
    const start = performance.now();
    const levels = fit(photo, contract.resize.rule, columns, rows);
    const input = encode(levels, contract.input);
    const ready = performance.now();
    const scores = await scoresOf(input);
    const inferred = performance.now() - ready;
    return { scores, levels, prepared: ready - start, inferred, onGpu: gpu !== null };
  }

  /** @param {ArrayBufferView} input */
  async function scoresOf(input) {
    if (gpu) {
      try {
        return readScores(await gpu.run(input), contract.output);
      } catch (error) {
        gpu = null; // what was lost can't be closed either
        onGpuLost(error);
      }
    }
    return readScores(await cpu.run(input), contract.output);
  }

  /** @param {boolean} wanted */
  async function switchGpu(wanted) {
    gpu?.close();
    gpu = null;
    if (wanted) gpu = await openOnGpu(bytes, contract);
  }

  /**
   * One at a time.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  function inTurn(work) {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }
  return {
    contract,
    labels,
    names: [labels, usual],
    classify: (photo) => inTurn(() => run(photo)),
    setGpu: (wanted) => inTurn(() => switchGpu(wanted)),
  };
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
    throw new Error(`${name} can't be loaded: the server answered ${response.status}.`);
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
