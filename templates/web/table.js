// Many photos' answers: right and wrong, and a file of them.

/**
 * An answer to one photo. `right` is null where its folder is no class of the model.
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

/** @param {readonly Answer[]} answers */
export function summary(answers) {
  const judged = answers.filter((each) => each.right !== null);
  const right = judged.filter((each) => each.right).length;
  const unread = answers.filter((each) => each.problem).length;
  const parts = [`${answers.length} photos`];
  if (judged.length > 0) {
    const share = ((100 * right) / judged.length).toFixed(1);
    parts.push(`${right} of ${judged.length} right (${share} %)`);
  }
  if (unread > 0) parts.push(`${unread} can't be read`);
  return parts.join(', ');
}

/**
 * RFC 4180, UTF-8.
 * @param {readonly Answer[]} answers
 */
export function csv(answers) {
  const head = ['photo', 'folder', 'answer', 'score', 'right', 'problem'];
  const rows = answers.map((each) => [
    each.name,
    each.truth,
    each.label,
    each.problem ? '' : each.score.toFixed(6),
    each.right === null ? '' : each.right ? 'yes' : 'no',
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
