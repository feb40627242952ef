// The model on the GPU, by WebGPU: where there is one, and the model takes and gives float32.

import { loadRuntime, told } from './runtime.js';

/**
 * Errors say why the GPU can't run it.
 * @param {Uint8Array} bytes
 * @param {import('./contract.js').Contract} contract
 * @returns {Promise<import('./model.js').Model>}
 */
export async function openOnGpu(bytes, contract) {
  const { input, output } = contract;
  if (input.dtype !== 'float32' || output.dtype !== 'float32') {
    throw new Error(`LiteRT.js runs only float models on the GPU; this one takes ${input.dtype}`);
  }
  const runtime = await loadRuntime();
  const device = runtime.getWebGpuDevice();
  if (!device) throw new Error('this browser has no WebGPU, or no GPU for it');
  const { Tensor } = await import('@litertjs/core');
  let compiled;
  try {
    // float32 throughout, for the scores of the CPU
    const gpuOptions = /** @type {const} */ ({ precision: 'fp32' });
    compiled = await runtime.loadAndCompile(bytes, { accelerator: 'webgpu', gpuOptions });
  } catch (error) {
    throw new Error(`LiteRT.js can't prepare the model for it (${told(error)})`);
  }
  if (compiled.options.accelerator !== 'webgpu' || !compiled.isFullyAccelerated) {
    compiled.delete();
    throw new Error("it doesn't support some operations of this model");
  }
  const ready = compiled;

  /** @param {ArrayBufferView} values */
  async function run(values) {
    const given = new Tensor(/** @type {Float32Array} */ (values), input.shape);
    try {
      const [answer] = await ready.run([given]);
      try {
        const scores = await answer.data();
        return new Uint8Array(scores.buffer, scores.byteOffset, scores.byteLength);
      } finally {
        answer.delete();
      }
    } finally {
      given.delete();
    }
  }
  return { run, close: () => ready.delete() };
}
