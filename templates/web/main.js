// The page: what is chosen, dropped, pasted or filmed goes to the classifier, and its answer here.

import { startCamera } from './camera.js';
import { openClassifier } from './classifier.js';
import { decode, droppedPhotos, photosOf, pixelsOf } from './photos.js';
import { region } from './pixels.js';
import { best } from './scores.js';
import { csv, isRight, summary, told, verdictOn } from './table.js';

const SHOWN = 5; // classes
const SHOWN_SIDE = 960; // pixels of a photo on the page

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const problem = element('problem', HTMLElement);
const state = element('state', HTMLElement);
const tools = element('tools', HTMLFieldSetElement);
const result = element('result', HTMLElement);
const photoCanvas = element('photo', HTMLCanvasElement);
const video = element('video', HTMLVideoElement);
const seenCanvas = element('seen', HTMLCanvasElement);
const classes = element('classes', HTMLOListElement);
const verdict = element('verdict', HTMLElement);
const times = element('times', HTMLElement);
const caption = element('caption', HTMLElement);
const many = element('many', HTMLElement);
const rows = element('rows', HTMLTableSectionElement);
const counts = element('counts', HTMLElement);
const threshold = element('threshold', HTMLInputElement);
const thresholdShown = element('threshold-shown', HTMLOutputElement);
const cameraButton = element('camera', HTMLButtonElement);
const turnButton = element('turn', HTMLButtonElement);
const gpuBox = element('gpu', HTMLInputElement);
const stopButton = element('stop', HTMLButtonElement);

/** @type {import('./classifier.js').Classifier} */
let classifier;
/** @type {import('./classifier.js').Said | null} */
let last = null;
/** @type {import('./table.js').Answer[]} */
let answers = [];
let skipped = 0; // files beside those photos
/** @type {(() => void) | null} */
let endCamera = null;
/** @type {"environment" | "user"} */
let facing = 'environment';
let least = 0; // of scores; below it is "unknown"
let round = 0; // of the photos: a later choice ends an earlier one

/** @param {unknown} error */
function tell(error) {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

/** @param {number} value */
function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}

function showModel() {
  const { contract, labels } = classifier;
  const { model, input, accuracy, resize, output } = contract;
  const [, height, width] = input.shape;
  const facts = [
    `${labels.length} classes`,
    `${model.quantization}, ${width} × ${height} pixels`,
    resize.rule === 'stretch' ? 'sees the whole photo, stretched' : 'sees the middle of the photo',
  ];
  if (accuracy?.stretch) {
    facts.push(`${percent(accuracy.stretch.top1)} of ${accuracy.photos} test photos right`);
  }
  document.title = model.name;
  element('name', HTMLElement).textContent = model.name;
  element('facts', HTMLElement).textContent = facts.join(' · ');
  setThreshold(output.threshold ?? 0);
  threshold.value = String(least);
}

/** @param {number} score which the slider needn't be able to stand at */
function setThreshold(score) {
  least = score;
  thresholdShown.textContent = percent(least);
  if (last) showScores(last);
  for (const [number, row] of Array.from(rows.rows).entries()) fillRow(row, answers[number]);
  if (answers.length > 0) counts.textContent = summary(answers, least, skipped);
}

/** @param {import('./classifier.js').Said} said */
function showScores(said) {
  const top = best(said.scores, SHOWN);
  const sure = top[0].score >= least;
  verdict.textContent = sure
    ? `${classifier.labels[top[0].index]}, ${percent(top[0].score)}`
    : `Unknown: no class reaches ${percent(least)}`;
  classes.replaceChildren(
    ...top.map(({ index, score }) => {
      const item = document.createElement('li');
      const label = document.createElement('span');
      const meter = document.createElement('meter');
      const number = document.createElement('span');
      label.textContent = classifier.labels[index];
      meter.value = score;
      meter.setAttribute('aria-hidden', 'true');
      number.textContent = percent(score);
      item.classList.toggle('below', score < least);
      item.append(label, meter, number);
      return item;
    }),
  );
}

/**
 * @param {import('./classifier.js').Said} said
 * @param {number} decoded ms
 */
function show(said, decoded) {
  last = said;
  result.hidden = false;
  showScores(said);
  times.textContent =
    `Decoding ${decoded.toFixed(1)} ms, pre-processing ${said.prepared.toFixed(1)} ms, ` +
    `inference ${said.inferred.toFixed(1)} ms on the ${said.onGpu ? 'GPU' : 'CPU'}`;
  const [, height, width] = classifier.contract.input.shape;
  const image = new ImageData(width, height);
  for (let i = 0, j = 0; i < image.data.length; i++) {
    image.data[i] = i % 4 === 3 ? 255 : said.levels[j++];
  }
  seenCanvas.width = width;
  seenCanvas.height = height;
  seenCanvas.getContext('2d')?.putImageData(image, 0, 0);
}

/**
 * The photo with a frame around what the model sees of it.
 * @param {ImageData} pixels
 */
async function showPhoto(pixels) {
  const scale = Math.min(1, SHOWN_SIDE / Math.max(pixels.width, pixels.height));
  photoCanvas.width = Math.max(1, Math.round(pixels.width * scale));
  photoCanvas.height = Math.max(1, Math.round(pixels.height * scale));
  const context = photoCanvas.getContext('2d');
  const bitmap = await createImageBitmap(pixels);
  context?.drawImage(bitmap, 0, 0, photoCanvas.width, photoCanvas.height);
  bitmap.close();
  const { contract } = classifier;
  if (contract.resize.rule === 'stretch' || !context) return;
  const [, height, width] = contract.input.shape;
  const seen = region(contract.resize.rule, pixels.width, pixels.height, width, height);
  context.lineWidth = 3;
  context.strokeStyle = '#fff';
  context.strokeRect(
    seen.left * scale, seen.top * scale, seen.width * scale, seen.height * scale,
  );
}

/** @param {import('./photos.js').Chosen} chosen */
async function classifyAll(chosen) {
  const { photos } = chosen;
  if (photos.length === 0) {
    if (chosen.skipped > 0) tell(`None of these ${chosen.skipped} files is a photo.`);
    return;
  }
  const own = ++round;
  stopCamera();
  problem.hidden = true;
  many.hidden = photos.length === 1;
  skipped = chosen.skipped;
  stopButton.hidden = photos.length === 1;
  answers = [];
  rows.replaceChildren();
  for (const [number, photo] of photos.entries()) {
    const answer = await classifyPhoto(photo, number === photos.length - 1);
    if (own !== round) return;
    answers.push(answer);
    if (photos.length > 1) {
      addRow(answer, photo);
      state.textContent = `${number + 1} of ${photos.length} photos`;
    } else {
      state.textContent = answer.problem ? '' : verdict.textContent;
    }
  }
  stopButton.hidden = true;
  counts.textContent = summary(answers, least, skipped);
  if (photos.length > 1) state.textContent = counts.textContent;
}

/**
 * @param {import('./photos.js').Photo} photo
 * @param {boolean} shown
 * @returns {Promise<import('./table.js').Answer>}
 */
async function classifyPhoto({ name, blob, truth }, shown) {
  const answer = { name, truth, label: '', score: 0, right: null, problem: '' };
  try {
    const start = performance.now();
    const pixels = await decode(blob);
    const decoded = performance.now() - start;
    const said = await classifier.classify(pixels);
    if (shown) {
      setFilming(false);
      await showPhoto(pixels);
      caption.textContent = `${name}, ${pixels.width} × ${pixels.height}`;
      show(said, decoded);
    }
    const [{ index, score }] = best(said.scores, 1);
    const right = isRight(truth, classifier.names, index);
    return { ...answer, label: classifier.labels[index], score, right };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tell(`${name}: ${why}.`);
    return { ...answer, problem: why };
  }
}

/**
 * @param {import('./table.js').Answer} answer
 * @param {import('./photos.js').Photo} photo
 */
function addRow(answer, photo) {
  const row = rows.insertRow();
  const name = document.createElement('button');
  name.type = 'button';
  name.className = 'link';
  name.textContent = answer.name;
  name.addEventListener('click', () => void classifyPhoto(photo, true));
  row.insertCell().append(name);
  for (let i = 0; i < 3; i++) row.insertCell();
  fillRow(row, answer);
}

/**
 * @param {HTMLTableRowElement} row
 * @param {import('./table.js').Answer} answer
 */
function fillRow(row, answer) {
  const [, label, score, right] = row.cells;
  label.textContent = told(answer, least) || answer.problem;
  score.textContent = answer.problem ? '' : percent(answer.score);
  right.textContent = verdictOn(answer, least);
  row.className = right.textContent;
}

/** @param {boolean} filming */
function setFilming(filming) {
  video.hidden = !filming;
  photoCanvas.hidden = filming;
}

function stopCamera() {
  endCamera?.();
  endCamera = null;
  setFilming(false);
  turnButton.hidden = true;
  cameraButton.textContent = 'Start the camera';
  cameraButton.setAttribute('aria-pressed', 'false');
}

async function runCamera() {
  round++;
  stopCamera();
  problem.hidden = true;
  many.hidden = true;
  try {
    setFilming(true);
    result.hidden = false;
    video.classList.toggle('mirrored', facing === 'user');
    endCamera = await startCamera(video, facing, classifyFrame);
    caption.textContent = 'Live';
    cameraButton.textContent = 'Stop the camera';
    cameraButton.setAttribute('aria-pressed', 'true');
    turnButton.hidden = false;
    state.textContent = 'The camera is on.';
    result.scrollIntoView({ block: 'nearest' });
  } catch (error) {
    stopCamera();
    result.hidden = last === null;
    tell(error);
  }
}

async function classifyFrame() {
  try {
    const start = performance.now();
    const pixels = pixelsOf(video, video.videoWidth, video.videoHeight);
    const decoded = performance.now() - start;
    const said = await classifier.classify(pixels);
    if (endCamera) show(said, decoded);
  } catch (error) {
    stopCamera();
    tell(error);
  }
}

/** @param {unknown} error why the GPU can't run the model */
function tellWithoutGpu(error) {
  gpuBox.checked = false;
  const why = error instanceof Error ? error.message : String(error);
  tell(`The CPU runs the model, not the GPU: ${why}.`);
}

async function chooseGpu() {
  gpuBox.disabled = true;
  problem.hidden = true;
  state.textContent = 'Preparing the model…';
  try {
    await classifier.setGpu(gpuBox.checked);
  } catch (error) {
    tellWithoutGpu(error);
  }
  state.textContent = `The ${gpuBox.checked ? 'GPU' : 'CPU'} runs the model.`;
  gpuBox.disabled = false;
}

async function showSamples() {
  const { samples } = JSON.parse(element('runtime', HTMLScriptElement).textContent ?? '{}');
  const list = element('samples', HTMLElement);
  for (const [number, address] of samples.entries()) {
    const button = document.createElement('button');
    const image = document.createElement('img');
    button.type = 'button';
    button.className = 'sample';
    image.src = address;
    image.alt = `Sample photo ${number + 1}`;
    image.loading = 'lazy';
    button.append(image);
    button.addEventListener('click', async () => {
      const response = await fetch(address);
      const blob = await response.blob();
      await classifyAll({ photos: [{ name: image.alt, blob, truth: '' }], skipped: 0 });
    });
    list.append(button);
  }
  element('sample-photos', HTMLElement).hidden = samples.length === 0;
}

function saveTable() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv(answers, least)], { type: 'text/csv' }));
  link.download = 'answers.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function listen() {
  for (const name of ['files', 'folder']) {
    const input = element(name, HTMLInputElement);
    element(`choose-${name}`, HTMLButtonElement).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      void classifyAll(photosOf(input.files ?? []));
      input.value = '';
    });
  }
  document.addEventListener('paste', (event) => {
    void classifyAll(photosOf(event.clipboardData?.files ?? []));
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    if (event.dataTransfer) await classifyAll(await droppedPhotos(event.dataTransfer));
  });
  threshold.addEventListener('input', () => setThreshold(Number(threshold.value)));
  gpuBox.addEventListener('change', () => void chooseGpu());
  element('save', HTMLButtonElement).addEventListener('click', saveTable);
  stopButton.addEventListener('click', () => {
    round++;
    stopButton.hidden = true;
    counts.textContent = `Stopped: ${summary(answers, least, skipped)}`;
  });
  cameraButton.addEventListener('click', () => {
    if (endCamera) stopCamera();
    else void runCamera();
  });
  turnButton.addEventListener('click', () => {
    facing = facing === 'user' ? 'environment' : 'user';
    void runCamera();
  });
}

try {
  state.textContent = 'Loading the model…';
  classifier = await openClassifier(tellWithoutGpu);
  showModel();
  await showSamples();
  listen();
  tools.disabled = false;
  state.textContent = 'Ready.';
} catch (error) {
  state.textContent = '';
  tell(error);
}
