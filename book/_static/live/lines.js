// Proofs in lines (marginflow.proofs.page): each line, and each broken one, settled here.
import { on, panel, settle } from './python.js';

const STANDS = ['proven', 'measured', 'argued', 'cited'];
const point = (witness) => Object.entries(witness).map(([k, v]) => `${k} = ${v}`).join(', ');

/** The one step of a report of Session.settle, with the time it took. */
async function report(line, mutation) {
  const { statement } = line.closest('.pf').dataset;
  const { steps: [found], seconds } = await settle(statement, line.dataset.step, mutation);
  return { ...found, seconds };
}

/** Open a broken line, and its own engine says here and now what it finds. */
async function breakIt(fold) {
  const told = fold.querySelector('.pf-live');
  if (!fold.open || told.textContent) return;
  told.textContent = `Asking Python in your browser (${panel.dataset.size} the first time) …`;
  try {
    const found = await report(fold.closest('li'), fold.dataset.mutation);
    told.dataset.outcome = found.outcome;
    const at = point(found.witness);
    told.textContent = `${found.outcome === 'refuted' ? '✗' : '!'} ${found.outcome} here by `
      + `${found.engine} in ${Math.max(0.1, found.seconds).toFixed(1)} s${at ? `, at ${at}` : ''}`;
  } catch (error) {
    told.textContent = '';
    told.closest('details').querySelector('.pf-found').append(` (Not run here: ${error.message}.)`);
  }
}

/** Settle every line of a proof in turn. */
async function checkAll(proof, button) {
  const told = proof.querySelector('.pf-told');
  const lines = [...proof.querySelectorAll('li[data-step]')];
  button.disabled = true;
  let good = 0;
  try {
    for (const [i, line] of lines.entries()) {
      told.textContent = `line ${i + 1} of ${lines.length} …`;
      const found = await report(line, '');
      const badge = line.querySelector('.pf-badge');
      const stands = STANDS.includes(found.outcome);
      good += stands;
      badge.textContent = `${found.outcome} by ${found.engine}${stands ? ', here' : ''}`;
      badge.classList.toggle('pf-fails', !stands);
      badge.classList.toggle('pf-here', stands);
    }
    told.textContent = `${good === lines.length ? '✓' : '✗'} ${good} of ${lines.length} lines stand`;
  } catch (error) {
    told.textContent = `not finished: ${error.message}`;
  }
  button.disabled = false;
}

// While Python loads, the lines that wait for it say how far it is.
on('loading', (words) => {
  for (const told of document.querySelectorAll('.pf-live:not(:empty, [data-outcome])')) {
    told.textContent = words;
  }
});

if (panel) {
  for (const fold of document.querySelectorAll('.pf-break')) {
    fold.addEventListener('toggle', () => breakIt(fold));
  }
  for (const button of document.querySelectorAll('.pf-all')) {
    button.hidden = false;
    button.addEventListener('click', () => checkAll(button.closest('.pf'), button));
  }
}
