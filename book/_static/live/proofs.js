// "Check every proof now": the page's side; see marginflow_live.py for the markup.
import { INTERRUPTED, interrupt, on, settle } from './python.js';

const root = document.querySelector('.mfl-proofs');
const find = (selector) => root.querySelector(selector);
const all = (selector) => [...root.querySelectorAll(selector)];
const [told, bar, stop] = ['.mfl-told', '.mfl-steps', '.mfl-halt'].map(find);
const starts = all('.mfl-prove, .mfl-refute, .mfl-one');
const PATIENCE = 1000; // ms that a step may still take once it is to stop

let wanted = false; // whether what runs should go on

/** A step's report: its own entry of what Session.settle returns. */
async function report(statement, step, mutation) {
  const { steps: [found], seconds } = await settle(statement, step, mutation);
  return { ...found, seconds };
}

/** Do `action` to each of `items` in turn, with progress, until the reader stops it. */
async function each(items, action, finished) {
  starts.forEach((button) => { button.disabled = true; });
  [wanted, stop.hidden, bar.hidden, bar.max, bar.value] = [true, false, false, items.length, 0];
  const began = performance.now();
  const passed = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  let done = 0;
  let reason = 'stopped';
  try {
    for (const item of items) {
      if (!wanted) break;
      told.textContent = `${done} of ${items.length}: ${item.dataset.title} …`;
      await action(item);
      done += 1;
      bar.value = done;
    }
  } catch (error) {
    if (error !== INTERRUPTED) reason = error.message;
  }
  told.textContent = done === items.length ? finished(passed())
    : `${reason} after ${done} of ${items.length} (${passed()})`;
  [stop.hidden, bar.hidden] = [true, true];
  starts.forEach((button) => { button.disabled = false; });
}

on('loading', (words) => { if (!stop.hidden) told.textContent = words; });

// --- Proofs ---------------------------------------------------------------------------

const STANDS = ['proven', 'measured', 'argued', 'cited'];
const steps = all('.mfl-step');

async function prove(step) {
  const row = step.closest('tr');
  const { outcome, engine, why, detail } = await report(row.dataset.statement, step.dataset.step);
  step.dataset.outcome = outcome;
  step.title = `${step.dataset.step}: ${outcome} (${engine}). ${why}. ${detail}`;
  const mine = [...row.querySelectorAll('.mfl-step')];
  const count = (which) => mine.filter((s) => which.includes(s.dataset.outcome)).length;
  const failed = mine.find((s) => ['refuted', 'undecided'].includes(s.dataset.outcome));
  row.dataset.verdict = failed ? 'refuted' : 'holds';
  row.lastElementChild.textContent = failed
    ? `✗ ${failed.dataset.outcome} at ${failed.dataset.step}`
    : `✓ ${count(STANDS)} of ${mine.length}`;
}

function tally() {
  const counts = new Map();
  for (const { dataset: { outcome } } of steps) {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const words = { argued: 'argued on paper' };
  return [...counts].map(([outcome, n]) => `${n} ${words[outcome] ?? outcome}`).join(', ');
}

find('.mfl-prove').addEventListener('click', () => {
  for (const step of steps) delete step.dataset.outcome;
  for (const row of all('tr[data-statement]')) {
    delete row.dataset.verdict;
    row.lastElementChild.textContent = '';
  }
  each(steps, prove, (time) => `All ${steps.length} steps settled in ${time}: ${tally()}.`);
});

// --- Mutations ------------------------------------------------------------------------

const mutations = all('.mfl-mutation');

const point = (witness) => Object.entries(witness).map(([k, v]) => `${k} = ${v}`).join(', ');

async function refute(row) {
  const { statement, step, mutation } = row.dataset;
  const found = await report(statement, step, mutation);
  const at = point(found.witness);
  row.dataset.verdict = found.outcome === 'refuted' ? 'holds' : 'refuted';
  row.lastElementChild.textContent = `${found.outcome} by ${found.engine}`
    + `${at ? ` at ${at}` : ''}: ${found.detail}`;
  return found;
}

find('.mfl-refute').addEventListener('click', () => {
  find('.mfl-list').open = true;
  for (const row of mutations) row.lastElementChild.textContent = '';
  const refuted = () => mutations.filter((row) => row.dataset.verdict === 'holds').length;
  each(mutations, refute, (time) => `${refuted()} of ${mutations.length} mutations refuted `
    + `in ${time}.`);
});

const choice = find('select');

/** A broken step in full: what was changed, what it claims, and where that fails. */
async function refuteOne(row) {
  const found = await refute(row);
  const lines = {
    Step: `${row.dataset.title}, ${found.why}`,
    Broken: found.change,
    'It now says': `${found.from} ${found.to}`,
    Found: `${found.outcome} by ${found.engine}: ${found.detail}`,
    Counterexample: point(found.witness) || 'none named: the difference itself is shown above',
  };
  find('.mfl-witness').replaceChildren(...Object.entries(lines).flatMap(([term, text]) => {
    const [dt, dd] = ['dt', 'dd'].map((name) => document.createElement(name));
    [dt.textContent, dd.textContent] = [term, text];
    return [dt, dd];
  }));
}

find('.mfl-one').addEventListener('click', () => each(
  [mutations[choice.selectedIndex]], refuteOne, (time) => `Settled in ${time}.`,
));

stop.addEventListener('click', () => {
  wanted = false;
  told.textContent = 'Stopping …';
  setTimeout(() => { if (!stop.hidden && !wanted) interrupt(); }, PATIENCE);
});
