// From the model's output to its best classes.

/**
 * Scores of the classes, 0..1 unless the model gives something else.
 * @param {Uint8Array} bytes as the output holds them
 * @param {import('./contract.js').Output} output
 * @returns {Float32Array}
 */
export function readScores(bytes, output) {
  const scores = numbers(bytes, output);
  if (!scores.every(Number.isFinite)) {
    throw new Error('The model gives scores that are not numbers. Convert it again.');
  }
  return output.semantics === 'logits' ? softmax(scores) : scores;
}

/**
 * @param {Uint8Array} bytes
 * @param {import('./contract.js').Output} output
 */
function numbers(bytes, output) {
  if (output.dtype === 'float32') return new Float32Array(bytes.slice().buffer);
  const whole = output.dtype === 'int8' ? new Int8Array(bytes.slice().buffer) : bytes;
  const scale = Math.fround(output.scale ?? 1);
  return Float32Array.from(whole, (value) => (value - (output.zero_point ?? 0)) * scale);
}

/** @param {Float32Array} logits */
function softmax(logits) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/**
 * The best classes first; of equal scores the one that comes first in the labels.
 * @param {Float32Array} scores
 * @param {number} count
 * @returns {{index: number, score: number}[]}
 */
export function best(scores, count) {
  return Array.from(scores, (score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, count);
}
