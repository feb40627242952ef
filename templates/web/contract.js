// model_spec.json, and whether the files beside it are those that it describes.

/**
 * @typedef {{shape: number[], dtype: string, scale: number | null, zero_point: number | null}} End
 * @typedef {End & {mean: number[], std: number[]}} Input
 * @typedef {End & {semantics: string, threshold?: number | null}} Output
 * @typedef {{file: string, sha256: string}} TextFile
 * @typedef {{
 *   format: number,
 *   model: {name: string, file: string, bytes?: number, sha256: string, quantization: string},
 *   input: Input,
 *   resize: {rule: string},
 *   output: Output,
 *   labels: TextFile & {count: number, locales?: Record<string, TextFile>},
 *   accuracy?: {photos: number, stretch?: {top1: number}} | null,
 * }} Contract
 */

const FORMAT = 1;
const AGAIN = 'Put all files of the same `packager web` run on the server.';

/**
 * @param {any} content of model_spec.json
 * @returns {Contract}
 */
export function readContract(content) {
  const complete =
    content?.model && content.input?.shape && content.output?.shape && content.labels;
  if (content?.format !== FORMAT || !complete) {
    throw new Error(`model_spec.json is not a contract of format ${FORMAT}. ${AGAIN}`);
  }
  if (!['stretch', 'crop'].includes(content.resize?.rule)) {
    throw new Error(`model_spec.json has an unknown resize rule. ${AGAIN}`);
  }
  return content;
}

/**
 * @param {Contract} contract
 * @param {Uint8Array<ArrayBuffer>} model
 */
export async function checkModel(contract, model) {
  const { file, bytes, sha256 } = contract.model;
  if (bytes !== undefined && model.length < bytes) {
    throw new Error(
      `${file} is cut short: ${model.length} of ${bytes} bytes arrived. Load the page again; ` +
        'if it stays so, put the file on the server again.',
    );
  }
  await checkDigest(file, model, sha256);
}

/**
 * The labels to show, in the first of the person's languages that the model has.
 * @param {Contract} contract
 * @param {readonly string[]} languages
 * @returns {TextFile}
 */
export function labelsFile(contract, languages) {
  const locales = Object.entries(contract.labels.locales ?? {});
  for (const language of languages) {
    const wanted = language.toLowerCase();
    const found =
      locales.find(([tag]) => tag.toLowerCase() === wanted) ??
      locales.find(([tag]) => tag.toLowerCase().split('-')[0] === wanted.split('-')[0]);
    if (found) return found[1];
  }
  return contract.labels;
}

/**
 * @param {Contract} contract
 * @param {TextFile} file
 * @param {Uint8Array<ArrayBuffer>} content
 * @returns {Promise<string[]>}
 */
export async function readLabels(contract, file, content) {
  await checkDigest(file.file, content, file.sha256);
  const labels = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content).split('\n');
  if (labels[labels.length - 1] === '') labels.pop();
  if (labels.length !== contract.labels.count) {
    throw new Error(
      `${file.file} has ${labels.length} labels, not ${contract.labels.count}. ${AGAIN}`,
    );
  }
  return labels;
}

/**
 * Compares a tensor as the runtime reports it with the contract's.
 * @param {string} role "input" or "output"
 * @param {End} expected
 * @param {{shape: number[], dtype: string}} actual
 */
export function checkEnd(role, expected, actual) {
  if (actual.dtype === expected.dtype && String(actual.shape) === String(expected.shape)) return;
  throw new Error(
    `The model doesn't match model_spec.json: its ${role} is ${actual.dtype} [${actual.shape}], ` +
      `not ${expected.dtype} [${expected.shape}]. ${AGAIN}`,
  );
}

/**
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} content
 * @param {string} expected
 */
async function checkDigest(name, content, expected) {
  if (!globalThis.crypto?.subtle) return; // not over plain HTTP: the tensors are compared still
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const actual = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (actual !== expected) {
    throw new Error(
      `${name} is not the file of model_spec.json: its SHA-256 is ${actual}, not ${expected}. ` +
        AGAIN,
    );
  }
}
