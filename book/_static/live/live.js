// Live cells: the page's side; see marginflow_live.py for the markup.
import {
  INTERRUPTED, interrupt, on, panel, reset, run, started,
} from './python.js';

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
    // In a chapter the cell's code stands above, and the editor takes its place.
    this.editor = element.querySelector('.mfl-editor[hidden]');
    const code = this.editor
      && element.parentElement.previousElementSibling?.querySelector('.cell_input');
    this.still = code?.closest('details') ?? code; // code that checks is folded
    element.querySelector('.mfl-run').addEventListener('click', () => {
      if (this.element.dataset.verdict === 'running') interrupt();
      else group.runTo(this);
    });
    element.querySelector('.mfl-edit')?.addEventListener('click', () => {
      this.open(true);
      this.area.focus();
    });
    this.area.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      group.runTo(this);
    });
    this.area.addEventListener('input', () => this.edited());
  }

  open(whether) {
    if (!this.editor) return;
    this.editor.hidden = !whether;
    if (this.still) this.still.hidden = whether;
  }

  edited() {
    const changed = this.area.value !== this.pristine;
    this.element.classList.toggle('mfl-changed', changed);
    if (changed) this.open(true);
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
    this.show('running', started() ? 'running …' : `loading ${panel.dataset.size} …`);
    try {
      const done = await run(this.group.name, this.area.value);
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
  constructor(name) {
    this.name = name;
    const all = (selector) => [...document.querySelectorAll(
      `.mfl[data-group="${name}"] ${selector}`,
    )];
    this.cells = all('.mfl-cell').map((element) => new Cell(element, this));
    this.summaries = all('.mfl-summary');
    this.breaks = all('.mfl-break');
    this.done = 0; // so many cells, from the first, stand executed in the namespace
    this.turn = Promise.resolve(); // one run at a time
    const click = (selector, action) => all(selector)
      .forEach((button) => button.addEventListener('click', () => action(button)));
    click('.mfl-all', () => this.runAll());
    click('.mfl-reset', () => this.reset());
    click('.mfl-break', (button) => this.breakIt(button.dataset));
  }

  /** `cell` has changed: it and what follows have to run again. */
  stale(cell) {
    const i = this.cells.indexOf(cell);
    this.done = Math.min(this.done, i);
    this.summaries.forEach((summary) => summary.replaceChildren());
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
    for (const summary of this.summaries) {
      summary.dataset.verdict = verdict;
      summary.textContent = text;
      // In a chapter the cell that refutes may stand far from the one that was broken.
      const here = summary.closest('.mfl-cell');
      if (!here) continue;
      const broken = here.querySelector('[aria-pressed=true]');
      summary.hidden = !broken || here === cell.element;
    }
  }

  runAll() {
    reset(this.name);
    this.done = 0;
    this.cells.forEach((cell) => cell.show('', ''));
    return this.runTo(this.cells.at(-1));
  }

  reset() {
    reset(this.name);
    this.cells.forEach((cell) => {
      cell.write(cell.pristine);
      cell.open(false);
    });
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
    for (const button of this.breaks) {
      const { find, replace } = button.dataset;
      button.setAttribute('aria-pressed', String(find + replace === which));
    }
  }

  queue(action) {
    this.turn = this.turn.then(action, action);
    return this.turn;
  }
}

const names = [...document.querySelectorAll('.mfl[data-group]')].map((e) => e.dataset.group);
const groups = panel ? [...new Set(names)].map((name) => new Group(name)) : [];
on('ended', () => groups.forEach((group) => { group.done = 0; }));
on('loading', (words) => {
  for (const { cells } of groups) {
    for (const { element, verdict } of cells) {
      if (element.dataset.verdict === 'running') verdict.textContent = words;
    }
  }
});
// Without this script there is nothing to press.
for (const bar of panel ? document.querySelectorAll('.mfl-bar[hidden]') : []) bar.hidden = false;
