// LiteRT.js, loaded once.

import { base } from './wasm_loader.js';

/** @type {Promise<import('@litertjs/core').LiteRt> | undefined} */
let loading;

export function loadRuntime() {
  loading ??= load();
  return loading;
}

async function load() {
  if (!globalThis.WebAssembly) {
    throw new Error('This browser has no WebAssembly, or it is switched off. Use a newer one.');
  }
  try {
    const { loadLiteRt } = await import('@litertjs/core');
    return await loadLiteRt(`${base}wasm/`);
  } catch (error) {
    throw new Error(
      `The runtime LiteRT.js can't be loaded from ${new URL(base, location.href)} ` +
        `(${told(error)}). Check the network; \`packager web --bundle\` makes a page that needs none.`,
    );
  }
}

/** @param {unknown} error */
export function told(error) {
  return error instanceof Error ? error.message : String(error);
}
