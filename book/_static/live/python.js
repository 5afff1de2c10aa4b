// The reader's Python: one worker for the page, and the panel that tells about it.
//
// Nothing is loaded before it is asked for. Any script of the book may use it:
//
//     import { run, settle } from '…/_static/live/python.js';
//     const { verdict, text } = await run('a name space', 'assert 1 + 1 == 2');
//     const report = await settle('lemma-5', 'line-4', 'swap'); // mutation may be ''
//
// `report` is an entry of `marginflow prove --json`, of one step. A page that has no
// panel (`{live-panel}`) has no Python: see `panel`.

export const panel = document.querySelector('.mfl-panel[data-home]');
const part = (name) => panel?.querySelector(`.mfl-${name}`);
const [startButton, stopButton, state, bar] = ['start', 'stop', 'state', 'progress']
  .map(part);

let worker = null;
let ready = null; // a promise while the worker starts and after
let waiting = new Map(); // id of a request → how to settle its promise
let lastId = 0;
let lastSaid = 0;
const listeners = { loading: [], ended: [] };

export const INTERRUPTED = new Error('interrupted');

/** Call `action` on 'loading' (with words for how far), or on 'ended' (the worker's). */
export const on = (event, action) => listeners[event].push(action);

export const started = () => worker !== null;

/** Start the worker unless there is one; resolves when Python can run. */
export function start() {
  ready ??= new Promise((resolve, reject) => {
    const home = new URL(panel.dataset.home, document.baseURI);
    worker = new Worker(new URL('worker.js', home), { type: 'module' });
    startButton.hidden = true;
    stopButton.hidden = false;
    bar.hidden = false;
    bar.value = 0;
    lastSaid = 0;
    say(`Loading ${panel.dataset.size} …`);
    waiting.set('start', { reject });
    worker.onmessage = ({ data }) => heard(data, resolve);
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message ?? 'the worker could not be loaded');
    };
    worker.postMessage({
      kind: 'start',
      home: new URL('pyodide/', home).href,
      app: new URL('marginflow.zip', home).href,
      bytes: Number(panel.dataset.counted),
      modules: Number(panel.dataset.modules),
    });
  });
  return ready;
}

function heard(data, resolve) {
  if (data.kind === 'progress') return showProgress(data);
  if (data.kind === 'ready') {
    waiting.delete('start');
    bar.hidden = true;
    say(`Python is ready (${data.seconds.toFixed(1)} s). ${panel.dataset.hint ?? ''}`);
    return resolve();
  }
  if (data.kind === 'done') {
    waiting.get(data.id)?.resolve(data);
    return waiting.delete(data.id);
  }
  return fail(data.message);
}

function showProgress({ part: how, stage }) {
  const percent = `: ${Math.round(100 * how)} %`;
  const words = {
    loading: `Loading ${panel.dataset.size}${percent}`,
    starting: 'Starting Python …',
    importing: `Starting SymPy and z3${percent}`,
  }[stage];
  // While Python starts, for some seconds, nobody knows how far it has come.
  if (stage === 'starting') bar.removeAttribute('value');
  else bar.value = how;
  listeners.loading.forEach((action) => action(words));
  // A screen reader need not hear every percent.
  if (how - lastSaid < 0.2 && stage !== 'starting') return;
  lastSaid = how;
  say(words);
}

function say(text) {
  state.textContent = text;
}

/** End the worker; every request that waits for it is rejected with `reason`. */
function end(reason) {
  worker?.terminate();
  worker = null;
  ready = null;
  const pending = waiting;
  waiting = new Map();
  for (const { reject } of pending.values()) reject(reason);
  listeners.ended.forEach((action) => action());
  bar.hidden = true;
}

function fail(message) {
  end(new Error(message));
  startButton.hidden = false;
  stopButton.hidden = true;
  say(`Python did not start or stopped: ${message}`);
}

async function request(message) {
  await start();
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ ...message, id });
  });
}

/** Execute source text in the namespace of a group; see Session.run. */
export const run = (group, source) => request({ kind: 'run', group, source });

/** Settle a step of a proof, whole or broken by a mutation; see Session.settle. */
export const settle = (statement, step, mutation = '') => request({
  kind: 'settle', statement, step, mutation,
});

/** Forget a group's names. */
export const reset = (group) => worker?.postMessage({ kind: 'reset', group });

// What runs cannot be stopped from outside, so its thread is ended and a new one
// started; the second start loads from the browser's cache.
export function interrupt() {
  end(INTERRUPTED);
  start().catch(() => {});
}

if (panel) {
  startButton.addEventListener('click', () => start().catch(() => {}));
  startButton.hidden = false;
  stopButton.addEventListener('click', interrupt);
  say(`Python loads ${panel.dataset.size} from this site, and nothing from elsewhere. `
    + 'Until you start it, nothing is loaded.');
}
