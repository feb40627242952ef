// Many photos' answers: right and wrong, and a file of them.

/**
 * An answer to one photo: its best class, and whether that is right; null where its folder is no class
 * of the model.
 * @typedef {{
 *   name: string, truth: string, label: string, score: number, right: boolean | null,
 *   problem: string,
 * }} Answer
 */

/**
 * Whether a folder is called as the class is, but for case and spaces around.
 * @param {string} folder
 * @param {readonly string[][]} names lists of all classes' names, in each language
 * @param {number} index of the class
 */
export function isRight(folder, names, index) {
  const wanted = plain(folder);
  const known = names.some((list) => list.some((name) => plain(name) === wanted));
  return known ? names.some((list) => plain(list[index]) === wanted) : null;
}

/** @param {string} name */
function plain(name) {
  return name.trim().normalize('NFC').toLowerCase();
}

/**
 * What is told of a photo: the best class, or "unknown" below the threshold.
 * @param {Answer} answer
 * @param {number} least
 */
export function told(answer, least) {
  return answer.problem === '' && answer.score < least ? 'unknown' : answer.label;
}

/**
 * @param {Answer} answer
 * @param {number} least score that is told
 * @returns {'right' | 'wrong' | 'unknown' | ''}
 */
export function verdictOn(answer, least) {
  if (answer.right === null) return '';
  if (answer.score < least) return 'unknown';
  return answer.right ? 'right' : 'wrong';
}

/**
 * @param {readonly Answer[]} answers
 * @param {number} least score that is told
 * @param {number} skipped files that are no photos
 */
export function summary(answers, least, skipped) {
  const verdicts = answers.map((each) => verdictOn(each, least)).filter((each) => each !== '');
  const right = verdicts.filter((each) => each === 'right').length;
  const unread = answers.filter((each) => each.problem).length;
  const unknown = answers.filter((each) => !each.problem && each.score < least).length;
  const parts = [`${answers.length} photos`];
  if (verdicts.length > 0) {
    const share = ((100 * right) / verdicts.length).toFixed(1);
    parts.push(`${right} of ${verdicts.length} right (${share} %)`);
  }
  if (unknown > 0) parts.push(`${unknown} unknown`);
  if (unread > 0) parts.push(`${unread} can't be read`);
  if (skipped > 0) parts.push(`${skipped} skipped (not photos)`);
  return parts.join(', ');
}

/**
 * RFC 4180, UTF-8.
 * @param {readonly Answer[]} answers
 * @param {number} least score that is told
 */
export function csv(answers, least) {
  const head = ['photo', 'folder', 'answer', 'best', 'score', 'verdict', 'problem'];
  const rows = answers.map((each) => [
    each.name,
    each.truth,
    told(each, least),
    each.label,
    each.problem ? '' : each.score.toFixed(6),
    verdictOn(each, least),
    each.problem,
  ]);
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/**
 * Quoted; a spreadsheet would run what begins like a formula.
 * @param {string} text
 */
function cell(text) {
  const shown = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
