// The model in LiteRT.js on the CPU, from bytes to bytes.
//
// The runtime's own Tensor class knows no int8, so its buffers are used directly.

import { checkEnd } from './contract.js';
import { loadRuntime, told } from './runtime.js';

const DTYPES = /** @type {Record<number, string>} */ ({ 1: 'float32', 3: 'uint8', 9: 'int8' });

/** @typedef {{run: (input: ArrayBufferView) => Promise<Uint8Array>, close: () => void}} Model */

/**
 * @param {Uint8Array} bytes
 * @param {import('./contract.js').Contract} contract
 * @returns {Promise<Model>}
 */
export async function openModel(bytes, contract) {
  const runtime = await loadRuntime();
  /** @type {any} */
  const wasm = runtime.liteRtWasm;
  const environment = runtime.getDefaultEnvironment();
  const address = wasm._malloc(bytes.byteLength); // the model stays there while it is used
  wasm.HEAPU8.set(bytes, address);
  /** @type {any} */
  let model;
  /** @type {any} */
  let compiled;
  try {
    model = wasm.loadModel(environment.liteRtEnvironment, address, bytes.byteLength);
    compiled = await wasm.compileModel(environment.liteRtEnvironment, model, {
      environment,
      accelerator: 'wasm',
      cpuOptions: { numThreads: wasm.getThreadCount() },
      gpuOptions: {},
      webNNOptions: {},
    });
  } catch (error) {
    throw new Error(`LiteRT can't run ${contract.model.file} (${told(error)}).`);
  }
  const inputType = model.getInputTensorType(0, 0);
  checkEnd('input', contract.input, described(inputType));
  checkEnd('output', contract.output, described(model.getOutputTensorType(0, 0)));
  const input = wasm.LiteRtTensorBuffer.createManaged(
    environment.liteRtEnvironment,
    wasm.LiteRtTensorBufferType.HOST_MEMORY,
    inputType,
    inputType.bytes(),
  );

  /** @param {ArrayBufferView} values */
  async function run(values) {
    const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const place = input.lock(wasm.LiteRtTensorBufferLockMode.WRITE);
    wasm.HEAPU8.set(content, place);
    input.unlock();
    const [output] = await compiled.run(0, [input]);
    const start = output.lock(wasm.LiteRtTensorBufferLockMode.READ);
    const scores = wasm.HEAPU8.slice(start, start + output.packedSize());
    output.unlock();
    output.delete();
    return scores;
  }
  return { run, close: () => compiled.delete() };
}

/** @param {any} type the runtime's description of a tensor; deleted with the page */
function described(type) {
  const code = type.elementType().value;
  const dimensions = type.layout().dimensions();
  const shape = Array.from({ length: dimensions.size() }, (_, i) => dimensions.get(i));
  return { dtype: DTYPES[code] ?? `type ${code}`, shape };
}
