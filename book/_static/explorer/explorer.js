// The interactive figure: state, drawing and input. The mathematics is in flow.js.
import {
  LOG_T_END, RULES, STEPS, angle, flow, hyperparameters, limit, maxMargin, procedure,
  stateAt, starts, turn,
} from './flow.js';
import { makePlane } from './plane.js';
import { parsePoints, readChoice, tellChoice, tellPoints } from './choice.js';
import { DATA, PRESETS, REACH, START } from './presets.js';
import { amount, degrees, fixed, make, minus, set, short, write } from './svg.js';

const root = document.getElementById('explorer');
const find = (selector) => root.querySelector(selector);

// --- What the reader has chosen -------------------------------------------------------

const inputs = Object.fromEntries(
  ['skew', 'size', 'rho', 'beta1', 'beta2', 'eta', 'time'].map((id) => [id, find(`#mfx-${id}`)]),
);
const outputs = Object.fromEntries(
  Object.keys(inputs).map((id) => [id, find(`output[for="mfx-${id}"]`)]),
);
const rule = find('#mfx-rule');
const start = find('.mfx-start');
let points = DATA.map((p) => [...p]);

function chosen() {
  const value = (id) => Number(inputs[id].value);
  return {
    rule: rule.value,
    skew: 10 ** value('skew'),
    size: 10 ** value('size'),
    beta0: [2 ** value('beta1'), 2 ** value('beta2')],
    rho: value('rho') > 3 ? 1 : 1 - 10 ** -value('rho'),
    eta: 10 ** value('eta'),
  };
}

// --- Numbers as text ------------------------------------------------------------------

const ratio = (x) => (x >= 1 ? `${short(x)} : 1` : `1 : ${short(1 / x)}`);
const pair = (v) => `(${v.map((x) => Number(x.toPrecision(3))).join(', ')})`;
/** What a reader calls the rule; and which theorem says where its flow ends. */
const called = () => rule.selectedOptions[0].textContent;
const theorem = () => (rule.value === 'adadelta' ? 'Theorem 2' : 'Theorem 4');

/** Say the choices, and the time: the flow may have ended before the slider's. */
function describe({ skew, size, rho, eta }, { g0, h0, delta, epsilon }, logt, reached) {
  const ended = reached < logt - 0.05 ? `log t = ${amount(reached)}, its end` : null;
  const kind = RULES[rule.value];
  const used = (text, is = true) => (is ? text : 'not used');
  const beta = (j) => used(
    short(Math.sqrt((1 + h0[j] / epsilon[j]) / (1 + g0[j] / delta[j]))), starts(rule.value),
  );
  const texts = {
    skew: used(kind.h ? ratio(skew) : `δ: ${ratio(Math.sqrt(skew))}`, kind.g),
    size: used(short(size), kind.g),
    rho: used(rho === 1 ? '1 (never)' : String(Number(rho.toFixed(rho < 0.99 ? 2 : 4))),
      kind.forgets),
    beta1: beta(0),
    beta2: beta(1),
    eta: short(eta),
    time: ended ?? `log t = ${amount(logt)}`,
  };
  for (const [id, text] of Object.entries(texts)) {
    inputs[id].setAttribute('aria-valuetext', text);
    inputs[id].disabled = text === 'not used';
    write(outputs[id], text);
  }
  write(start, !starts(rule.value) ? '' : `g(0) = ${pair(g0)}${kind.h ? `, h(0) = ${pair(h0)}` : ''}`);
  const said = {
    flow: `flow (${kind.h ? 'Process 2' : called()})`,
    run: `discrete run (${kind.h ? 'Procedure 1' : called()})`,
    predicted: `predicted limit (${theorem()})`,
    beta: kind.h ? 'Skewed adapter β' : 'Preconditioner, over its value at g = 0,',
    off: `off ${theorem()}`,
  };
  for (const [what, text] of Object.entries(said)) write(find(`.mfx-says-${what}`), text);
}

// --- The plane of the data ------------------------------------------------------------

const KINDS = ['plain', 'predicted', 'run', 'flow'];
const pointed = { i: null }; // the point that a reader has last touched
const plane = makePlane(find('.mfx-plane'), {
  reach: REACH,
  kinds: KINDS,
  label: 'Data points in the plane',
  onMove: move,
  onRemove: remove,
  onChoose: (i) => { pointed.i = i; },
});

function move(i, x1, x2) {
  const inside = (x) => Math.max(-3, Math.min(3, Math.round(x * 100) / 100));
  points[i] = [inside(x1), inside(x2), points[i][2]];
  own();
  changed();
}

/** A point more, near others of its label and in nobody's way. */
function add(y) {
  const [c1, c2] = [0, 1].map((j) => {
    const same = points.filter((p) => p[2] === y);
    return same.length ? same.reduce((sum, p) => sum + p[j], 0) / same.length : y;
  });
  for (let k = 0; ; k++) { // along a spiral
    const [x1, x2] = [c1 + 0.12 * k * Math.cos(k), c2 + 0.12 * k * Math.sin(k)]
      .map((x) => Math.max(-3, Math.min(3, Math.round(x * 100) / 100)));
    if (k < 40 && points.some((p) => Math.hypot(p[0] - x1, p[1] - x2) < 0.5)) continue;
    points.push([x1, x2, y]);
    break;
  }
  own();
  changed();
  pointed.i = points.length - 1;
}

function remove(i) {
  if (points.length < 2 || !points[i]) return;
  points.splice(i, 1);
  own();
  changed();
  pointed.i = Math.min(i, points.length - 1);
  plane.focus(pointed.i);
}

// --- Paths against log t --------------------------------------------------------------

const WIDTH = 420;
const LEFT = 46; // room for the longest tick, 1/1024
const toTime = (logt) => LEFT + (Math.log10(1 + logt) / Math.log10(1 + LOG_T_END)) * (WIDTH - LEFT - 8);

function pathPlot(parent, height, label) {
  const svg = make('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': label });
  parent.prepend(svg);
  const bottom = height - 18;
  for (const logt of [0, 1, 10, 100, 1000, 10000]) {
    make('path', { class: 'mfx-grid', d: `M${toTime(logt)} 6V${bottom}` }, svg);
    const anchor = logt === LOG_T_END ? 'end' : 'middle';
    make('text', { x: toTime(logt) + (logt === LOG_T_END ? 6 : 0), y: height - 4, 'text-anchor': anchor }, svg)
      .textContent = logt;
  }
  return { svg, bottom, ticks: make('g', {}, svg) };
}

const anglePlot = pathPlot(find('.mfx-angle'), 190, 'Direction of w against log t');
const betaPlot = pathPlot(find('.mfx-beta'), 110, 'Skewed adapter against log t');
for (const plot of [anglePlot, betaPlot]) {
  plot.cursor = make('path', { class: 'mfx-cursor' }, plot.svg);
}
for (const kind of KINDS) {
  anglePlot[kind] = make('path', { class: `mfx-line mfx-${kind}` }, anglePlot.svg);
}
anglePlot.dots = ['run', 'flow'].map((kind) => make('circle', { class: `mfx-dot mfx-${kind}`, r: 4 }, anglePlot.svg));
const betaPaths = ['run', 'flow'].map((kind) => [0, 1].map((j) => make('path', {
  class: `mfx-line mfx-${kind} mfx-component${j + 1}`,
}, betaPlot.svg)));

/** A polyline through (logt, value), in steps where values jump by more than `jump`. */
function polyline(states, value, toY, jump = Infinity) {
  let d = '';
  let last = NaN;
  for (const state of states) {
    const v = value(state);
    const pen = Math.abs(v - last) < jump ? 'L' : 'M';
    d += `${pen}${toTime(state.logt).toFixed(2)} ${toY(v).toFixed(2)}`;
    last = v;
  }
  return d;
}

function drawTicks(plot, values, toY, text) {
  const drawn = values.map((value) => `${text(value)} at ${toY(value)}`).join();
  if (drawn === plot.drawn) return;
  plot.drawn = drawn;
  plot.ticks.replaceChildren();
  for (const value of values) {
    make('path', { class: 'mfx-grid', d: `M${LEFT} ${toY(value)}H${WIDTH - 8}` }, plot.ticks);
    make('text', { x: LEFT - 6, y: toY(value) + 4, 'text-anchor': 'end' }, plot.ticks).textContent = text(value);
  }
}

function drawPaths(paths, now) {
  const { plain, predicted } = now;
  // Angles are counted from the prediction, so that no path is cut at ±180° of the axis.
  const centre = predicted ?? paths.flow.at(-1).w;
  const at = ({ w }) => angle(centre) + turn(w, centre);
  const seen = [...paths.flow, ...paths.run].map(at);
  if (plain) seen.push(at({ w: plain }));
  const low = Math.floor((Math.min(...seen) - 2) / 15) * 15;
  const high = Math.ceil((Math.max(...seen) + 2) / 15) * 15;
  const { bottom } = anglePlot;
  const toY = (a) => 6 + ((high - a) / (high - low)) * (bottom - 6);
  const every = [15, 30, 45, 90].find((step) => (high - low) / step <= 5);
  const ticks = [];
  for (let a = Math.ceil(low / every) * every; a <= high; a += every) ticks.push(a);
  drawTicks(anglePlot, ticks, toY, (a) => `${minus(String(a))}°`);

  const level = (w) => (w ? `M${LEFT} ${toY(at({ w })).toFixed(2)}H${WIDTH - 8}` : '');
  anglePlot.plain.setAttribute('d', level(plain));
  anglePlot.predicted.setAttribute('d', level(predicted));
  anglePlot.run.setAttribute('d', polyline(paths.run, at, toY, 180));
  anglePlot.flow.setAttribute('d', polyline(paths.flow, at, toY, 180));
  ['run', 'flow'].forEach((kind, i) => set(anglePlot.dots[i], {
    cx: toTime(now.logt[kind]), cy: toY(at({ w: now[kind] })),
  }));

  const spread = [...paths.flow, ...paths.run].flatMap(({ beta }) => beta.map(Math.log2)).map(Math.abs);
  const reach = Math.min(10, Math.max(1, Math.ceil(Math.max(...spread))));
  const toYBeta = (b) => {
    const level = Math.max(-reach, Math.min(reach, Math.log2(b)));
    return 6 + ((reach - level) / (2 * reach)) * (betaPlot.bottom - 6);
  };
  drawTicks(betaPlot, [2 ** -reach, 1, 2 ** reach], toYBeta,
    (b) => (b < 1 ? `1/${1 / b}` : String(b)));
  ['run', 'flow'].forEach((kind, i) => [0, 1].forEach((j) => betaPaths[i][j]
    .setAttribute('d', polyline(paths[kind], ({ beta }) => beta[j], toYBeta))));

  for (const plot of [anglePlot, betaPlot]) {
    plot.cursor.setAttribute('d', `M${toTime(now.logt.flow)} 6V${plot.bottom}`);
  }
}

// --- Words ----------------------------------------------------------------------------

function drawTable(now) {
  const margin = (w) => Math.min(...now.z.map((zi) => (w[0] * zi[0] + w[1] * zi[1]) / Math.hypot(...w)));
  const rows = [
    ['plain', 'max margin, no skew', now.plain],
    ['predicted', `${theorem()} predicts`, now.predicted],
    ['flow', `flow at log t = ${amount(now.logt.flow)}`, now.flow],
    ['run', `run at log t = ${amount(now.logt.run)}`, now.run],
  ];
  rows.forEach(([kind, name, w], i) => {
    const off = w && now.predicted && kind !== 'predicted' ? degrees(turn(w, now.predicted)) : '–';
    const texts = [name, w ? degrees(angle(w)) : 'none', off, w ? fixed(margin(w), 3) : '–'];
    const row = table.rows[i] ?? tableRow(kind);
    texts.forEach((text, j) => write(row.cells[j], text));
  });
}

const table = find('tbody');

function tableRow(kind) {
  const row = table.insertRow();
  row.dataset.row = kind;
  const name = document.createElement('th');
  name.scope = 'row';
  row.append(name, ...[1, 2, 3].map(() => document.createElement('td')));
  return row;
}

function verdict(options, hyper, paths, now) {
  const end = paths.flow.at(-1);
  const last = paths.run.at(-1);
  const diverged = last.logt < Math.log1p(STEPS * options.eta) - 1e-9
    ? ' The run diverges: its numbers leave the range of floats.' : '';
  if (!now.predicted) {
    return 'No line through 0 separates the two classes, so Assumption 2 (iii) fails: '
      + `the flow’s loss stops falling at ${short(now.loss)}, w(t) stays bounded, and ${theorem()} `
      + `predicts nothing. Drag the points apart again.${diverged}`;
  }
  const off = Math.abs(turn(end.w, now.predicted));
  const turned = turn(now.predicted, now.plain);
  const far = paths.run.flatMap(({ beta }) => beta).reduce((a, b) => (
    Math.abs(Math.log(b)) > Math.abs(Math.log(a)) ? b : a));
  const parts = [];
  const { beta } = paths.flow[0];
  if (stays(hyper, paths)) {
    const elsewhere = maxMargin(now.z, hyper.chi2.map((c, j) => c * beta[j]));
    parts.push(`ρ = 1 breaks Assumption 2 (i). β stays at ${pair(beta)}, and the flow `
      + `ends ${degrees(off)} off the prediction, at the solution of the problem with χ²β(0) in `
      + `the place of χ² (${degrees(angle(elsewhere.w))}).`);
  } else {
    parts.push(`The flow ends ${degrees(off)} from the direction that ${theorem()} predicts, `
      + `${degrees(angle(now.predicted))}.`, fate(hyper, beta, end.beta));
  }
  parts.push(Math.abs(turned) < 0.005 ? 'The predicted direction is also the max-margin one.'
    : `The skew turns the prediction by ${degrees(turned)} from the max-margin direction.`);
  parts.push(`The run with η = ${short(options.eta)} stands at ${degrees(angle(last.w))} when `
    + `log t = ${amount(last.logt)}, the flow at that time at `
    + `${degrees(angle(stateAt(paths.flow, last.logt).w))}; the value of the run’s β that is `
    + `farthest from 1 is ${short(far)}.`);
  if (RULES[hyper.rule].forgets && options.eta * (1 - options.rho) > 1) {
    parts.push('Its ρₖ = 1 − η(1 − ρ) would be negative and is set to 0.');
  }
  return parts.join(' ') + diverged;
}

/** Whether averages that started elsewhere than at 0 stay there, against (i). */
const stays = ({ rule: name, rho }, { flow: [first] }) => rho === 1 && RULES[name].forgets
  && starts(name) && first.beta.some((b) => b !== 1);

/** What has become of a rule's preconditioner. */
function fate({ rule: name, chi2 }, from, to) {
  if (name === 'gradient') return 'Its preconditioner is 1.';
  if (name === 'adadelta') {
    return from.every((b) => b === 1) ? 'Its β is 1 at all times.'
      : `Its β went from ${pair(from)} to ${pair(to)}.`;
  }
  const root = pair(chi2.map((c, j) => c * to[j]));
  return name === 'adagrad'
    ? `It forgets nothing: its preconditioner ends at ${root}, as this flow measures it, and `
      + 'the prediction is the solution for that one.'
    : `Its average g dies out, and its preconditioner ends at 1/√δ = ${root}.`;
}

/** The verdict in one line, where it is seen beside the picture. */
function headline(hyper, paths, now) {
  if (!now.predicted) return 'No line separates the classes, so nothing is predicted.';
  const [end, aim] = [paths.flow.at(-1).w, now.predicted].map((w) => degrees(angle(w)));
  return stays(hyper, paths)
    ? `The flow ends at ${end}, not at ${aim}: ρ = 1 breaks an assumption of ${theorem()}.`
    : `The flow ends at ${end}; ${theorem()} predicts ${aim}.`;
}

// --- From a change to a frame ---------------------------------------------------------

let paths = null;
let current = null;
let stale = true; // the paths no longer belong to what is chosen
let frame = 0;
let announce = 0;

/** Ask for a frame; `recompute` says that more than the time has changed. */
function changed(recompute = true) {
  stale ||= recompute;
  find('.mfx-verdict').setAttribute('aria-busy', 'true');
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  const began = performance.now();
  frame = 0;
  const options = chosen();
  const hyper = hyperparameters(options);
  const z = points.map(([x1, x2, y]) => [y * x1, y * x2]);
  if (stale) {
    paths = { flow: flow(z, START, hyper), run: procedure(z, START, hyper, options.eta) };
    current = {
      predicted: maxMargin(z, limit(hyper, paths.flow)), plain: maxMargin(z, [1, 1]),
    };
    stale = false;
  }
  const logt = Math.min(LOG_T_END, 10 ** ((Number(inputs.time.value) / 4) * Math.log10(1 + LOG_T_END)) - 1);
  const [atFlow, atRun] = [stateAt(paths.flow, logt), stateAt(paths.run, logt)];
  const now = {
    z,
    predicted: current.predicted?.w ?? null,
    active: current.predicted?.active ?? [],
    plain: current.plain?.w ?? null,
    flow: atFlow.w,
    run: atRun.w,
    logt: { flow: atFlow.logt, run: atRun.logt },
    loss: z.reduce((sum, zi) => sum + Math.exp(-paths.flow.at(-1).w.reduce((m, x, j) => m + x * zi[j], 0)), 0),
  };
  describe(options, hyper, logt, atFlow.logt);
  plane.draw({
    points,
    active: now.active,
    lines: now,
    band: now.predicted,
    tips: { flow: `flow, log t = ${amount(now.logt.flow)}`, run: `run, log t = ${amount(now.logt.run)}` },
  });
  drawPaths(paths, now);
  drawTable(now);
  write(find('.mfx-headline'), headline(hyper, paths, now));
  // A screen reader hears the result once the reader pauses.
  clearTimeout(announce);
  const text = verdict(options, hyper, paths, now);
  announce = setTimeout(() => {
    find('.mfx-verdict').textContent = text;
    find('.mfx-verdict').setAttribute('aria-busy', String(frame !== 0));
    remember();
  }, 250);
  root.dispatchEvent(new CustomEvent('mfx-frame', { detail: { ms: performance.now() - began } }));
}

// --- Presets, play, reset -------------------------------------------------------------

const buttons = Object.keys(PRESETS).map((name) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = name;
  button.addEventListener('click', () => {
    touched = true;
    choose(name);
  });
  find('.mfx-presets').append(button);
  return button;
});

function press(name) {
  for (const button of buttons) button.setAttribute('aria-pressed', button.textContent === name);
}

/** The reader has left the preset, and its caption no longer tells what is shown. */
function own(text = 'Your own choice. A preset puts everything back.') {
  touched = true;
  press(null);
  write(find('.mfx-caption'), text);
}

function choose(name) {
  for (const [id, value] of Object.entries(PRESETS[name].set)) inputs[id].value = value;
  inputs.time.value = 4;
  rule.value = 'adadelta';
  points = DATA.map((p) => [...p]);
  find('.mfx-caption').textContent = PRESETS[name].text.replace(/\s+/g, ' ');
  press(name);
  changed();
}

for (const [id, input] of Object.entries(inputs)) {
  input.addEventListener('input', () => {
    if (id === 'time') stop();
    else own();
    changed(id !== 'time');
  });
}
rule.addEventListener('change', () => {
  own();
  changed();
});

// --- The choice as an address ---------------------------------------------------------

let touched = false; // whether the reader has chosen anything, so that the address tells it

const everything = () => ({
  rule: rule.value,
  ...Object.fromEntries(Object.entries(inputs).map(([id, { value }]) => [id, Number(value)])),
  points,
});

/** Keep what is chosen in the address, where a bookmark and a link take it from. */
function remember() {
  if (touched) history.replaceState(null, '', `#${tellChoice(everything())}`);
}

/** Show what the address tells, if it tells anything. */
function recall() {
  if (!location.hash.includes('=')) return;
  try {
    const choice = readChoice(location.hash.slice(1), (id) => inputs[id], [...rule.options].map((o) => o.value));
    choose('Isotropic');
    for (const [id, value] of Object.entries(choice)) {
      if (inputs[id]) inputs[id].value = value;
    }
    rule.value = choice.rule ?? 'adadelta';
    points = choice.points ?? points;
    own('What the address tells. A preset puts everything back.');
    changed();
  } catch (error) {
    own(`The address tells no choice: ${error.message}`);
  }
}
addEventListener('hashchange', recall);

find('.mfx-link').addEventListener('click', async () => {
  touched = true;
  remember();
  const told = find('.mfx-told');
  try {
    await navigator.clipboard.writeText(location.href);
    told.textContent = 'Copied.';
  } catch {
    told.textContent = 'The address bar has it now.';
  }
});

// --- Points: add, remove, write down --------------------------------------------------

for (const button of root.querySelectorAll('.mfx-add')) {
  button.addEventListener('click', () => add(Number(button.value)));
}
find('.mfx-remove').addEventListener('click', () => remove(pointed.i ?? points.length - 1));
const csv = find('.mfx-csv');
// On the click, not on the toggle that comes after it: by then there may be words in it.
csv.closest('details').querySelector('summary').addEventListener('click', () => {
  csv.value = tellPoints(points);
});
csv.closest('details').addEventListener('toggle', () => { // opened by a search in the page
  csv.value ||= tellPoints(points);
});
find('.mfx-use').addEventListener('click', () => {
  const told = find('.mfx-wrong');
  try {
    points = parsePoints(csv.value);
    told.textContent = `${points.length} points are used.`;
    own();
    changed();
  } catch (error) {
    told.textContent = error.message;
  }
});

find('.mfx-reset').addEventListener('click', () => {
  points = DATA.map((p) => [...p]);
  changed();
});

const play = find('.mfx-play');
let playing = 0;

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = 'Play';
}

play.addEventListener('click', () => {
  if (playing) return stop();
  play.textContent = 'Pause';
  const from = Number(inputs.time.value) % 4;
  let began = null;
  const tick = (time) => {
    began ??= time;
    inputs.time.value = Math.min(4, from + (time - began) / 1500);
    changed(false);
    if (Number(inputs.time.value) >= 4) stop();
    else playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
});

// Who asked for less motion gets the time slider alone.
if (matchMedia('(prefers-reduced-motion: reduce)').matches) play.hidden = true;

find('.mfx-waiting').remove();
choose('Isotropic');
recall();
