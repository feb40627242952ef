// Stands for @litertjs/wasm-utils in the import map, so that every file of the runtime is checked
// against its digest before it runs.

/**
 * Where the runtime's files lie, and their digests by name.
 * @type {{base: string, integrity: Record<string, string>}}
 */
const runtime = JSON.parse(document.getElementById('runtime')?.textContent ?? '{}');

/**
 * @template T
 * @param {new (module: any) => T} Runtime
 * @param {string} script address of the loader that belongs to the WebAssembly file
 * @returns {Promise<T>}
 */
export async function createWasmLib(Runtime, script) {
  const name = script.slice(script.lastIndexOf('/') + 1);
  const binary = name.replace(/\.js$/, '.wasm');
  const [, response] = await Promise.all([
    runScript(script, runtime.integrity[`wasm/${name}`]),
    fetch(script.replace(/\.js$/, '.wasm'), { integrity: runtime.integrity[`wasm/${binary}`] }),
  ]);
  if (!response.ok) throw new Error(`${binary}: ${response.status} ${response.statusText}`);
  const { ModuleFactory } = /** @type {any} */ (globalThis);
  return new Runtime(await ModuleFactory({ wasmBinary: await response.arrayBuffer() }));
}

/**
 * @param {string} address
 * @param {string} integrity
 * @returns {Promise<void>}
 */
function runScript(address, integrity) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    Object.assign(script, { src: address, integrity, crossOrigin: 'anonymous' });
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${address} can't be loaded, or is not the expected file`));
    document.head.append(script);
  });
}

export const base = runtime.base;
