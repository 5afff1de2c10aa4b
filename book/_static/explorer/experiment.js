// The figure of Experiment 1: a worker trains, this draws. See perceptron.js.
import { experiment, kktPoint, observe } from './perceptron.js';
import { makePlane } from './plane.js';
import { amount, fixed, make, set, write } from './svg.js';

const root = document.getElementById('experiment');
const find = (selector) => root.querySelector(selector);
const [train, again, bar, state] = ['.mfx-train', '.mfx-again', 'progress', '.mfx-state'].map(find);
const losses = [...root.querySelectorAll('input')];
const mean = () => losses.find((input) => input.checked).value === 'mean';

const WIDTH = 420;
const HEIGHT = 300;
const LEFT = 44;
const REACH = 2;
const TOP = 0.125; // of the axis of margins
const toMargin = (m) => HEIGHT - 30 - (Math.max(m, 0) / TOP) * (HEIGHT - 40);

let told = null; // what the page was given
let kkt = null; // margins by the sign of v
let worker = null;
let dots = [];
let spoken = 0; // the quarter of the training that was last announced

function prepare() {
  const { algorithms, points, w0 } = told;
  kkt = { positive: kktPoint(points, 1, told.slope), negative: kktPoint(points, -1, told.slope) };
  const plane = makePlane(find('.mfx-rim'), {
    reach: REACH, mark: 3, kinds: ['positive', 'negative'], label: 'Data of Experiment 1 and the two KKT lines',
  });
  const along = ({ w: [v, w1, w2] }) => [v * w1, v * w2];
  plane.draw({ points, lines: { positive: along(kkt.positive), negative: along(kkt.negative) } });
  const bands = make('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': 'Normalized margins by algorithm',
  });
  find('.mfx-bands').prepend(bands);
  for (const m of [0, 0.05, 0.1]) {
    make('path', { class: 'mfx-grid', d: `M${LEFT} ${toMargin(m)}H${WIDTH}` }, bands);
    make('text', { x: LEFT - 6, y: toMargin(m) + 4, 'text-anchor': 'end' }, bands).textContent = m;
  }
  for (const [kind, { margin }] of Object.entries(kkt)) {
    make('path', { class: `mfx-line mfx-${kind}`, d: `M${LEFT} ${toMargin(margin)}H${WIDTH}` }, bands);
  }
  const step = (WIDTH - LEFT) / algorithms.length;
  dots = algorithms.flatMap(({ name, colour }, a) => {
    const middle = LEFT + (a + 0.5) * step;
    make('text', { x: middle, y: HEIGHT - 10, 'text-anchor': 'middle' }, bands).textContent = name;
    const row = find('tbody').insertRow();
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name;
    row.append(head, ...[1, 2, 3].map(() => document.createElement('td')));
    return w0.map((_, r) => ({
      band: make('circle', { r: 2, fill: colour, cx: middle + ((r / w0.length) - 0.5) * 0.7 * step }, bands),
      rim: make('circle', { r: 2, fill: colour }, plane.svg),
      radius: REACH * (0.96 - 0.035 * a),
    }));
  });
  const at = (x, y) => ({ cx: plane.toPlane(x).toFixed(1), cy: plane.toPlane(-y).toFixed(1) });
  dots.place = at;
}

const begun = () => ({ ...experiment(told, mean()), spent: 0 });

/** Draw where the models are. */
function draw({ epoch, spent, margins, right, w }) {
  const rounds = told.w0.length;
  const { place } = dots;
  const shares = [];
  dots.forEach(({ band, rim, radius }, m) => {
    const sound = Number.isFinite(margins[m]);
    const [v, w1, w2] = w.subarray(3 * m, 3 * m + 3);
    const size = Math.hypot(w1, w2) * Math.sign(v);
    set(band, { cy: sound ? toMargin(margins[m]).toFixed(1) : 0, visibility: sound ? 'visible' : 'hidden' });
    set(rim, { ...(sound ? place((radius * w1) / size, (radius * w2) / size) : {}), visibility: sound ? 'visible' : 'hidden' });
    shares.push(sound ? margins[m] / kkt[v > 0 ? 'positive' : 'negative'].margin : NaN);
  });
  told.algorithms.forEach((_, a) => {
    const own = shares.slice(a * rounds, (a + 1) * rounds);
    const sound = own.filter(Number.isFinite).sort((p, q) => p - q);
    const middle = sound.length ? fixed((sound[(sound.length - 1) >> 1] + sound[sound.length >> 1]) / 2, 3) : '–';
    const separate = right.slice(a * rounds, (a + 1) * rounds).filter((n) => n === told.points.length).length;
    [middle, `${separate} of ${rounds}`, String(rounds - sound.length)]
      .forEach((text, j) => write(find('tbody').rows[a].cells[j + 1], text));
  });
  bar.value = epoch / told.epochs;
  bar.textContent = `${epoch} of ${told.epochs} epochs`;
  const quarter = Math.floor((4 * epoch) / told.epochs);
  if (quarter === spoken && epoch) return;
  spoken = quarter; // a screen reader hears four of them
  const seconds = amount(spent / 1000);
  write(state, epoch === 0
    ? `${dots.length} models before their first step: ${rounds} starts, five algorithms.`
    : `After ${epoch} of ${told.epochs} epochs and ${seconds} s: `
      + (epoch < told.epochs ? 'the margins climb towards the KKT point of their sign of v.'
        : 'with equal stability terms (SGD, AdaDelta, AdaDeltaS) two bands have come to the two lines. '
          + 'Random ones (N, NS) skew the margin, so that theirs end below.'));
  if (epoch === told.epochs) rest('Train again');
}

function rest(text) {
  train.dataset.running = '';
  write(train, text);
}

function restart() {
  worker?.terminate();
  worker = null;
  spoken = -1;
  const models = begun();
  draw({ ...models, ...observe(models) });
  rest(`Train ${dots.length} models`);
}

train.addEventListener('click', () => {
  if (train.dataset.running) {
    worker.postMessage({ run: false });
    rest('Go on');
    write(state, `Stopped at epoch ${Math.round(bar.value * told.epochs)} of ${told.epochs}.`);
    return;
  }
  if (bar.value === 1) restart();
  train.dataset.running = 'yes';
  write(train, 'Stop');
  if (worker) {
    worker.postMessage({ run: true });
    return;
  }
  worker = new Worker(new URL('experiment-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => draw(data);
  worker.onerror = () => {
    restart();
    write(state, 'This browser starts no worker for modules; a newer one does.');
  };
  worker.postMessage({ told, mean: mean(), run: true });
});
again.addEventListener('click', restart);
for (const input of losses) input.addEventListener('change', restart);

find('.mfx-waiting').remove();
try {
  const answer = await fetch(new URL('experiment-1.json', import.meta.url));
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  told = await answer.json();
  prepare();
  restart();
  for (const button of [train, again]) button.disabled = false;
} catch (error) {
  write(state, `The draws of Experiment 1 are not here (${error.message}); the book’s build writes them.`);
}
