// The interactive figure: state, drawing and input. The mathematics is in flow.js.
import {
  LOG_T_END, STEPS, angle, flow, hyperparameters, maxMargin, procedure, turn,
} from './flow.js';

// Points (x₁, x₂, y) and w(0).
const DATA = [
  [2.3, 1.2, 1], [1.5, 2.2, 1], [0.7, 2.6, 1], [2.7, 2.0, 1],
  [-1.1, -1.3, -1], [-2.6, -1.1, -1], [-1.5, -2.6, -1], [-2.2, -1.9, -1],
];
const START = [-0.5, 1.0];
const REACH = 3.2; // the plane shows [−REACH, REACH]²

// Values of the sliders: exponents of 10 (skew, size, eta, 1 − rho) and of 2 (beta).
const PRESETS = {
  'Isotropic': {
    set: { skew: 0, size: 0, beta1: 0, beta2: 0, rho: 1, eta: -1 },
    text: `δ/ε is the same in both components. The flow ends at the max-margin direction,
      as plain gradient flow does, and a run with small steps follows it.`,
  },
  'Skewed': {
    set: { skew: 1, size: 0, beta1: 0, beta2: 0, rho: 1, eta: -1 },
    text: `δ₁/ε₁ is ten times δ₂/ε₂. Now the flow ends where the skewed problem of
      Theorem 2 has its solution, at the price of some margin.`,
  },
  'Far start β(0)': {
    set: { skew: 1, size: 0, beta1: 3, beta2: -3, rho: 2, eta: -1 },
    text: `The same skew, but β(0) = (8, 1/8) and a longer memory ρ = 0.99. The path is
      another one. The limit is not: β forgets its start (Lemma 8).`,
  },
  'Large step': {
    set: { skew: 1, size: -2, beta1: 0, beta2: 0, rho: 1, eta: 0 },
    text: `The same skew with the step η = 1 of the original AdaDelta, and small δ and ε.
      With g(0) = h(0) = 0 the flow has β = 1 throughout; finite steps throw the run’s β far
      off 1, and then let it return.`,
  },
  'Nothing forgotten': {
    set: { skew: 0, size: 0, beta1: 1, beta2: -1, rho: 3.1, eta: -1 },
    text: `ρ = 1 breaks Assumption 2 (i): the averages never forget, β stays at (2, 1/2),
      and the flow ends elsewhere.`,
  },
};

const SVG = 'http://www.w3.org/2000/svg';
const root = document.getElementById('explorer');
const find = (selector) => root.querySelector(selector);

function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  set(element, attributes);
  parent?.append(element);
  return element;
}

function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

/** Set a text, if it is another one: what does not change costs no layout. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- What the reader has chosen -------------------------------------------------------

const inputs = Object.fromEntries(
  ['skew', 'size', 'rho', 'beta1', 'beta2', 'eta', 'time'].map((id) => [id, find(`#mfx-${id}`)]),
);
const outputs = Object.fromEntries(
  Object.keys(inputs).map((id) => [id, find(`output[for="mfx-${id}"]`)]),
);
const start = find('.mfx-start');
let points = DATA.map((p) => [...p]);

function chosen() {
  const value = (id) => Number(inputs[id].value);
  return {
    skew: 10 ** value('skew'),
    size: 10 ** value('size'),
    beta0: [2 ** value('beta1'), 2 ** value('beta2')],
    rho: value('rho') > 3 ? 1 : 1 - 10 ** -value('rho'),
    eta: 10 ** value('eta'),
  };
}

// --- Numbers as text ------------------------------------------------------------------

const minus = (text) => text.replace('-', '−');
const fixed = (x, digits) => minus((Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits));
const short = (x) => minus(Number(x.toPrecision(3)).toString());
const degrees = (x) => `${fixed(x, 2)}°`;
const ratio = (x) => (x >= 1 ? `${short(x)} : 1` : `1 : ${short(1 / x)}`);
const pair = (v) => `(${v.map((x) => Number(x.toPrecision(3))).join(', ')})`;
const amount = (logt) => (logt < 99.5 ? fixed(logt, 1) : String(Math.round(logt)));

/** Say the choices, and the time: the flow may have ended before the slider's. */
function describe({ skew, size, beta0, rho, eta }, { g0, h0 }, logt, reached) {
  const ended = reached < logt - 0.05 ? `log t = ${amount(reached)}, its end` : null;
  const texts = {
    skew: ratio(skew),
    size: short(size),
    rho: rho === 1 ? '1 (never)' : String(Number(rho.toFixed(rho < 0.99 ? 2 : 4))),
    beta1: short(beta0[0]),
    beta2: short(beta0[1]),
    eta: short(eta),
    time: ended ?? `log t = ${amount(logt)}`,
  };
  for (const [id, text] of Object.entries(texts)) {
    inputs[id].setAttribute('aria-valuetext', text);
    write(outputs[id], text);
  }
  write(start, `g(0) = ${pair(g0)}, h(0) = ${pair(h0)}`);
}

// --- The plane of the data ------------------------------------------------------------

const PLANE = 320;
const toPlane = (x) => (x / REACH + 1) * (PLANE / 2);
const plane = make('svg', {
  viewBox: `0 0 ${PLANE} ${PLANE}`, role: 'group', 'aria-label': 'Data points in the plane',
});
find('.mfx-plane').prepend(plane);
const clip = make('clipPath', { id: 'mfx-clip' }, make('defs', {}, plane));
make('rect', { width: PLANE, height: PLANE, rx: 6 }, clip);
const scene = make('g', { 'clip-path': 'url(#mfx-clip)' }, plane);
make('rect', { class: 'mfx-frame', width: PLANE, height: PLANE, rx: 6 }, plane);
const strip = make('polygon', { class: 'mfx-strip' }, scene);
make('path', { class: 'mfx-axis', d: `M0 ${PLANE / 2}H${PLANE}M${PLANE / 2} 0V${PLANE}` }, scene);
const KINDS = ['plain', 'predicted', 'run', 'flow'];
const borders = Object.fromEntries(
  KINDS.map((kind) => [kind, make('path', { class: `mfx-line mfx-${kind}` }, scene)]),
);
const rings = make('g', {}, scene);

const handles = DATA.map(([, , y], i) => {
  const handle = make('g', {
    class: `mfx-point ${y > 0 ? 'mfx-plus' : 'mfx-minus'}`,
    tabindex: 0, role: 'button', 'aria-roledescription': 'movable point',
  }, plane);
  make('circle', { class: 'mfx-touch', r: 24 }, handle);
  make('circle', { class: 'mfx-focus', r: 13 }, handle);
  if (y > 0) make('circle', { class: 'mfx-mark', r: 8 }, handle);
  else make('rect', { class: 'mfx-mark', x: -7, y: -7, width: 14, height: 14, rx: 2 }, handle);
  make('path', { class: 'mfx-sign', d: y > 0 ? 'M-4 0H4M0 -4V4' : 'M-4 0H4' }, handle);
  handle.addEventListener('pointerdown', (event) => {
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    event.preventDefault();
  });
  handle.addEventListener('pointermove', (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = plane.getBoundingClientRect();
    move(i, ((event.clientX - box.left) / box.width) * 2 * REACH - REACH,
      REACH - ((event.clientY - box.top) / box.height) * 2 * REACH);
  });
  handle.addEventListener('keydown', (event) => {
    const step = event.shiftKey ? 0.5 : 0.1;
    const by = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step],
    }[event.key];
    if (!by) return;
    event.preventDefault();
    move(i, points[i][0] + by[0], points[i][1] + by[1]);
  });
  return handle;
});

function move(i, x1, x2) {
  const inside = (x) => Math.max(-3, Math.min(3, Math.round(x * 100) / 100));
  points[i] = [inside(x1), inside(x2), points[i][2]];
  own();
  changed();
}

/** The line ⟨w, x⟩ = 0, and an arrow from 0 along w. */
function border(w) {
  if (!w) return '';
  const size = Math.hypot(...w);
  const [c, s] = [w[0] / size, w[1] / size];
  const far = 2 * REACH;
  const at = (x, y) => `${toPlane(x).toFixed(2)} ${toPlane(-y).toFixed(2)}`;
  const head = (turnBy) => at(1.5 * c - 0.2 * Math.cos(Math.atan2(s, c) + turnBy),
    1.5 * s - 0.2 * Math.sin(Math.atan2(s, c) + turnBy));
  return `M${at(-far * s, far * c)}L${at(far * s, -far * c)}M${at(0, 0)}L${at(1.5 * c, 1.5 * s)}`
    + `M${head(0.45)}L${at(1.5 * c, 1.5 * s)}L${head(-0.45)}`;
}

function drawPlane(now) {
  for (const kind of KINDS) borders[kind].setAttribute('d', border(now[kind]));
  const { predicted } = now;
  let corners = '';
  if (predicted) { // the strip |⟨w, x⟩| ≤ 1
    const square = predicted[0] ** 2 + predicted[1] ** 2;
    const along = [-predicted[1], predicted[0]].map((x) => (9 * x) / Math.sqrt(square));
    corners = [[1, 1], [1, -1], [-1, -1], [-1, 1]].map(([a, b]) => [0, 1]
      .map((j) => toPlane((j ? -1 : 1) * ((a * predicted[j]) / square + b * along[j])).toFixed(2))
      .join()).join(' ');
  }
  strip.setAttribute('points', corners);
  rings.replaceChildren();
  points.forEach(([x1, x2, y], i) => {
    const [cx, cy] = [toPlane(x1), toPlane(-x2)];
    handles[i].setAttribute('transform', `translate(${cx.toFixed(2)} ${cy.toFixed(2)})`);
    const support = now.active.includes(i);
    if (support) make('circle', { class: 'mfx-ring', cx, cy, r: 12 }, rings);
    handles[i].setAttribute('aria-label', `Point ${i + 1}, label ${y > 0 ? '+1' : '−1'}, at `
      + `(${fixed(x1, 2)}, ${fixed(x2, 2)})${support ? ', on the margin' : ''}; arrow keys move it`);
  });
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
    ['predicted', 'Theorem 2 predicts', now.predicted],
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
      + `the flow’s loss stops falling at ${short(now.loss)}, w(t) stays bounded, and Theorem 2 `
      + `predicts nothing. Drag the points apart again.${diverged}`;
  }
  const off = Math.abs(turn(end.w, now.predicted));
  const turned = turn(now.predicted, now.plain);
  const far = paths.run.flatMap(({ beta }) => beta).reduce((a, b) => (
    Math.abs(Math.log(b)) > Math.abs(Math.log(a)) ? b : a));
  const parts = [];
  if (options.rho === 1 && options.beta0.some((b) => b !== 1)) {
    const elsewhere = maxMargin(now.z, hyper.chi2.map((c, j) => c * options.beta0[j]));
    parts.push(`ρ = 1 breaks Assumption 2 (i). β stays at ${pair(options.beta0)}, and the flow `
      + `ends ${degrees(off)} off the prediction, at the solution of the problem with χ²β(0) in `
      + `the place of χ² (${degrees(angle(elsewhere.w))}).`);
  } else {
    parts.push(`The flow ends ${degrees(off)} from the direction that Theorem 2 predicts, `
      + `${degrees(angle(now.predicted))}.`);
    if (options.beta0.every((b) => b === 1)) parts.push('Its β is 1 at all times.');
    else parts.push(`Its β went from ${pair(options.beta0)} to ${pair(end.beta)}.`);
  }
  parts.push(Math.abs(turned) < 0.005 ? 'The predicted direction is also the max-margin one.'
    : `The skew turns the prediction by ${degrees(turned)} from the max-margin direction.`);
  parts.push(`The run with η = ${short(options.eta)} stands at ${degrees(angle(last.w))} when `
    + `log t = ${amount(last.logt)}, the flow at that time at `
    + `${degrees(angle(stateAt(paths.flow, last.logt).w))}; the value of the run’s β that is `
    + `farthest from 1 is ${short(far)}.`);
  if (options.eta * (1 - options.rho) > 1) {
    parts.push('Its ρₖ = 1 − η(1 − ρ) would be negative and is set to 0.');
  }
  return parts.join(' ') + diverged;
}

/** The verdict in one line, where it is seen beside the picture. */
function headline(options, paths, now) {
  if (!now.predicted) return 'No line separates the classes, so nothing is predicted.';
  const [end, aim] = [paths.flow.at(-1).w, now.predicted].map((w) => degrees(angle(w)));
  return options.rho === 1 && options.beta0.some((b) => b !== 1)
    ? `The flow ends at ${end}, not at ${aim}: ρ = 1 breaks an assumption of Theorem 2.`
    : `The flow ends at ${end}; Theorem 2 predicts ${aim}.`;
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

/** The state at log t, linear in between; the last one if the path ends before. */
function stateAt(states, logt) {
  const after = states.findIndex((state) => state.logt >= logt);
  if (after <= 0) return after < 0 ? states.at(-1) : states[0];
  const [a, b] = [states[after - 1], states[after]];
  const part = (logt - a.logt) / (b.logt - a.logt);
  return { logt, w: a.w.map((x, j) => x + part * (b.w[j] - x)) };
}

function draw() {
  const began = performance.now();
  frame = 0;
  const options = chosen();
  const hyper = hyperparameters(options);
  const z = points.map(([x1, x2, y]) => [y * x1, y * x2]);
  if (stale) {
    paths = { flow: flow(z, START, hyper), run: procedure(z, START, hyper, options.eta) };
    current = { predicted: maxMargin(z, hyper.chi2), plain: maxMargin(z, [1, 1]) };
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
  write(find('.mfx-times'), `Flow at log t = ${amount(atFlow.logt)}, run at log t = `
    + `${amount(atRun.logt)}.`);
  drawPlane(now);
  drawPaths(paths, now);
  drawTable(now);
  write(find('.mfx-headline'), headline(options, paths, now));
  // A screen reader hears the result once the reader pauses.
  clearTimeout(announce);
  const text = verdict(options, hyper, paths, now);
  announce = setTimeout(() => {
    find('.mfx-verdict').textContent = text;
    find('.mfx-verdict').setAttribute('aria-busy', String(frame !== 0));
  }, 250);
  root.dispatchEvent(new CustomEvent('mfx-frame', { detail: { ms: performance.now() - began } }));
}

// --- Presets, play, reset -------------------------------------------------------------

const buttons = Object.keys(PRESETS).map((name) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = name;
  button.addEventListener('click', () => choose(name));
  find('.mfx-presets').append(button);
  return button;
});

function press(name) {
  for (const button of buttons) button.setAttribute('aria-pressed', button.textContent === name);
}

/** The reader has left the preset, and its caption no longer tells what is shown. */
function own() {
  press(null);
  write(find('.mfx-caption'), 'Your own choice. A preset puts everything back.');
}

function choose(name) {
  for (const [id, value] of Object.entries(PRESETS[name].set)) inputs[id].value = value;
  inputs.time.value = 4;
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
