// Live cells: the page's side. Python itself runs in worker.js; see marginflow_live.py for
// the markup. Nothing is loaded before the reader asks for it.

const panel = document.querySelector('.mfl-panel');
const home = new URL(panel.dataset.home, document.baseURI);
const startButton = panel.querySelector('.mfl-start');
const stopButton = panel.querySelector('.mfl-stop');
const state = panel.querySelector('.mfl-state');
const progress = panel.querySelector('.mfl-progress');

// --- Python in its worker -------------------------------------------------------------

let worker = null;
let ready = null; // a promise while the worker starts and after
let waiting = new Map(); // id of a run → how to settle its promise
let lastId = 0;

const INTERRUPTED = new Error('interrupted');

/** Start the worker unless there is one; resolves when Python can run. */
function start() {
  ready ??= new Promise((resolve, reject) => {
    worker = new Worker(new URL('worker.js', home));
    startButton.hidden = true;
    stopButton.hidden = false;
    progress.hidden = false;
    progress.value = 0;
    say(`Loading ${panel.dataset.size} …`);
    waiting.set('start', { reject });
    worker.onmessage = ({ data }) => {
      if (data.kind === 'progress') return showProgress(data);
      if (data.kind === 'ready') {
        waiting.delete('start');
        progress.hidden = true;
        say(`Python is ready (${data.seconds.toFixed(1)} s). Ctrl+Enter runs a cell.`);
        return resolve();
      }
      if (data.kind === 'done') {
        waiting.get(data.id)?.resolve(data);
        return waiting.delete(data.id);
      }
      return fail(data.message);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message ?? 'the worker could not be loaded');
    };
    worker.postMessage({
      kind: 'start',
      home: new URL('pyodide/', home).href,
      app: new URL('marginflow.zip', home).href,
    });
  });
  return ready;
}

let lastSaid = 0;

function showProgress({ loaded, stage }) {
  if (stage === 'importing') {
    progress.removeAttribute('value'); // busy, for how long nobody knows
    return say('Loaded. Starting SymPy …');
  }
  const part = Math.min(1, loaded / Number(panel.dataset.counted));
  progress.value = part;
  // A screen reader need not hear every percent.
  if (part - lastSaid >= 0.25 || part < lastSaid) {
    lastSaid = part;
    say(`Loading ${panel.dataset.size}: ${Math.round(100 * part)} %`);
  }
  return undefined;
}

function say(text) {
  state.textContent = text;
}

/** End the worker; every run that waits for it is rejected with `reason`. */
function end(reason) {
  worker?.terminate();
  worker = null;
  ready = null;
  const pending = waiting;
  waiting = new Map();
  for (const { reject } of pending.values()) reject(reason);
  groups.forEach((group) => group.forget());
  progress.hidden = true;
}

function fail(message) {
  end(new Error(message));
  startButton.hidden = false;
  stopButton.hidden = true;
  say(`Python did not start or stopped: ${message}`);
}

async function execute(group, source) {
  await start();
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ kind: 'run', id, group, source });
  });
}

startButton.addEventListener('click', () => start().catch(() => {}));
startButton.hidden = false;
say(`It will load ${panel.dataset.size} from this site, and nothing from elsewhere. `
  + 'Until then, nothing is loaded.');

// A running cell cannot be stopped from outside, so its thread is ended and a new one
// started; the second start loads from the browser's cache.
function interrupt() {
  end(INTERRUPTED);
  start().catch(() => {});
}

stopButton.addEventListener('click', interrupt);

// --- Cells ----------------------------------------------------------------------------

const WORDS = {
  holds: '✓ holds', refuted: '✗ refuted', ran: '✓ ran', error: '⚠ error',
};

const GOOD = ['holds', 'ran'];

class Cell {
  constructor(element, group) {
    this.element = element;
    this.group = group;
    this.area = element.querySelector('textarea');
    this.output = element.querySelector('.mfl-output');
    this.verdict = element.querySelector('.mfl-verdict');
    this.pristine = this.area.value;
    this.word = element.querySelector('.mfl-word');
    element.querySelector('.mfl-run').addEventListener('click', () => {
      if (this.element.dataset.verdict === 'running') interrupt();
      else group.runTo(this);
    });
    this.area.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      group.runTo(this);
    });
    this.area.addEventListener('input', () => this.edited());
  }

  edited() {
    this.element.classList.toggle('mfl-changed', this.area.value !== this.pristine);
    this.area.rows = Math.max(3, this.area.value.split('\n').length);
    this.group.stale(this);
    this.show('', '');
  }

  write(source) {
    this.area.value = source;
    this.edited();
  }

  show(kind, words, text = '') {
    this.element.dataset.verdict = kind;
    this.word.textContent = kind === 'running' ? 'Interrupt' : 'Run';
    this.verdict.textContent = words;
    this.output.textContent = text;
    this.output.hidden = text === '';
  }

  /** Run this cell alone; resolves to whether the next one may run. */
  async run() {
    this.show('running', worker ? 'running …' : `loading ${panel.dataset.size} …`);
    try {
      const done = await execute(this.group.name, this.area.value);
      const place = done.line && done.verdict !== 'holds' ? `, line ${done.line}` : '';
      const time = `${Math.max(0.1, done.seconds).toFixed(1)} s`;
      this.show(done.verdict, `${WORDS[done.verdict]}${place} (${time})`, done.text);
    } catch (error) {
      this.show('stopped', error === INTERRUPTED ? 'interrupted' : 'did not run');
    }
    return GOOD.includes(this.element.dataset.verdict);
  }
}

/** The cells of one chapter: they share a namespace and run in order. */
class Group {
  constructor(element) {
    this.element = element;
    this.name = element.dataset.group;
    this.cells = [...element.querySelectorAll('.mfl-cell')].map((e) => new Cell(e, this));
    this.summary = element.querySelector('.mfl-summary');
    this.done = 0; // so many cells, from the first, stand executed in the namespace
    this.turn = Promise.resolve(); // one run at a time
    const on = (selector, action) => element.querySelectorAll(selector)
      .forEach((button) => button.addEventListener('click', () => action(button)));
    on('.mfl-all', () => this.runAll());
    on('.mfl-reset', () => this.reset());
    on('.mfl-break', (button) => this.breakIt(button.dataset));
  }

  forget() {
    this.done = 0;
  }

  /** `cell` has changed: it and what follows have to run again. */
  stale(cell) {
    const i = this.cells.indexOf(cell);
    this.done = Math.min(this.done, i);
    this.summary.textContent = '';
    this.cells.slice(i + 1).forEach((later) => later.show('', ''));
  }

  /** Run `cell`, and before it the cells above that have not been run as they stand. */
  runTo(cell) {
    const last = this.cells.indexOf(cell);
    return this.queue(async () => {
      for (let i = Math.min(this.done, last); i <= last; i += 1) {
        this.done = Math.min(this.done, i);
        const good = await this.cells[i].run();
        if (good) this.done = Math.max(this.done, i + 1);
        this.summarize(i);
        if (!good) return;
      }
    });
  }

  /** Say in a line how the cells up to number `i` came out. */
  summarize(i) {
    const cell = this.cells[i];
    const { verdict } = cell.element.dataset;
    const all = this.cells.length;
    let text = '';
    if (!GOOD.includes(verdict)) {
      text = `${WORDS[verdict] ?? verdict}${all > 1 ? ` in cell ${i + 1} of ${all}` : ''}`;
      const left = cell.output.textContent.match(/^left − right = .*$/m);
      if (left) text += `: ${left[0]}`;
    } else if (this.done === all) {
      text = this.cells.some((c) => c.element.dataset.verdict === 'holds')
        ? '✓ every assertion holds' : '✓ ran, nothing was asserted';
    }
    this.summary.textContent = text;
    this.summary.dataset.verdict = verdict;
  }

  runAll() {
    worker?.postMessage({ kind: 'reset', group: this.name });
    this.done = 0;
    this.cells.forEach((cell) => cell.show('', ''));
    return this.runTo(this.cells.at(-1));
  }

  reset() {
    worker?.postMessage({ kind: 'reset', group: this.name });
    this.cells.forEach((cell) => cell.write(cell.pristine));
    this.done = 0;
    this.press(null);
  }

  breakIt({ cell, find, replace }) {
    this.reset();
    this.press(find + replace);
    const broken = this.cells[Number(cell)];
    broken.write(broken.pristine.replace(find, () => replace));
    return this.runAll();
  }

  press(which) {
    for (const button of this.element.querySelectorAll('.mfl-break')) {
      const { find, replace } = button.dataset;
      button.setAttribute('aria-pressed', String(find + replace === which));
    }
  }

  queue(action) {
    this.turn = this.turn.then(action, action);
    return this.turn;
  }
}

const groups = [...document.querySelectorAll('.mfl')].map((element) => new Group(element));
