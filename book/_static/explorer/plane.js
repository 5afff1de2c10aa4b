// The plane of the data: points that can be moved, and lines ⟨w, x⟩ = 0 with an arrow.
import { fixed, make, set, write } from './svg.js';

export const PLANE = 320; // in the units of the drawing

/**
 * A plane that shows [−reach, reach]² in `host`, with a line for each of `kinds`.
 *
 * `label`: what it is called; `mark`: the size of a point. `onMove(i, x1, x2)`, `onRemove(i)` and `onChoose(i)` are
 * told what a reader does to a point; without onMove points stay where they are.
 */
export function makePlane(host, {
  reach, kinds, label, mark = 8, onMove, onRemove, onChoose,
}) {
  const toPlane = (x) => (x / reach + 1) * (PLANE / 2);
  const svg = make('svg', {
    viewBox: `0 0 ${PLANE} ${PLANE}`, role: onMove ? 'group' : 'img', 'aria-label': label,
  });
  host.prepend(svg);
  const id = `mfx-clip-${kinds.join('-')}`;
  const clip = make('clipPath', { id }, make('defs', {}, svg));
  make('rect', { width: PLANE, height: PLANE, rx: 6 }, clip);
  const scene = make('g', { 'clip-path': `url(#${id})` }, svg);
  make('rect', { class: 'mfx-frame', width: PLANE, height: PLANE, rx: 6 }, svg);
  const strip = make('polygon', { class: 'mfx-strip' }, scene);
  make('path', { class: 'mfx-axis', d: `M0 ${PLANE / 2}H${PLANE}M${PLANE / 2} 0V${PLANE}` }, scene);
  const borders = Object.fromEntries(
    kinds.map((kind) => [kind, make('path', { class: `mfx-line mfx-${kind}` }, scene)]),
  );
  const rings = make('g', {}, scene);
  const marks = make('g', {}, svg);
  const names = Object.fromEntries(
    kinds.map((kind) => [kind, make('text', { class: `mfx-name mfx-${kind}` }, svg)]),
  );
  const handles = []; // one for each point, made anew where a label changes

  function handle(i, y) {
    const made = make('g', { class: `mfx-point ${y > 0 ? 'mfx-plus' : 'mfx-minus'}` });
    if (onMove) make('circle', { class: 'mfx-touch', r: 24 }, made);
    if (onMove) make('circle', { class: 'mfx-focus', r: 13 }, made);
    const r = mark;
    if (y > 0) make('circle', { class: 'mfx-mark', r }, made);
    else make('rect', { class: 'mfx-mark', x: 1 - r, y: 1 - r, width: 2 * r - 2, height: 2 * r - 2, rx: r / 4 }, made);
    if (!onMove) return made;
    make('path', { class: 'mfx-sign', d: y > 0 ? 'M-4 0H4M0 -4V4' : 'M-4 0H4' }, made);
    set(made, { tabindex: 0, role: 'button', 'aria-roledescription': 'movable point' });
    made.addEventListener('focus', () => onChoose(i));
    made.addEventListener('pointerdown', (event) => {
      made.setPointerCapture(event.pointerId);
      made.focus();
      event.preventDefault();
    });
    made.addEventListener('pointermove', (event) => {
      if (!made.hasPointerCapture(event.pointerId)) return;
      const box = svg.getBoundingClientRect();
      onMove(i, ((event.clientX - box.left) / box.width) * 2 * reach - reach,
        reach - ((event.clientY - box.top) / box.height) * 2 * reach);
    });
    made.addEventListener('keydown', (event) => {
      const step = event.shiftKey ? 0.5 : 0.1;
      const by = {
        ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step],
      }[event.key];
      if (by) { // keys may come faster than frames
        made.at = [made.at[0] + by[0], made.at[1] + by[1]];
        onMove(i, ...made.at);
      } else if (event.key === 'Delete' || event.key === 'Backspace') onRemove(i);
      else return;
      event.preventDefault();
    });
    return made;
  }

  function drawPoints(points, active) {
    points.forEach(([x1, x2, y], i) => {
      if (handles[i]?.y !== y) {
        const made = handle(i, y);
        made.y = y;
        if (handles[i]) handles[i].replaceWith(made);
        else marks.append(made);
        handles[i] = made;
      }
      handles[i].at = [x1, x2];
      const [cx, cy] = [toPlane(x1), toPlane(-x2)];
      handles[i].setAttribute('transform', `translate(${cx.toFixed(2)} ${cy.toFixed(2)})`);
      const support = active.includes(i);
      if (support) make('circle', { class: 'mfx-ring', cx, cy, r: mark + 4 }, rings);
      if (!onMove) return;
      handles[i].setAttribute('aria-label', `Point ${i + 1}, label ${y > 0 ? '+1' : '−1'}, at `
        + `(${fixed(x1, 2)}, ${fixed(x2, 2)})${support ? ', on the margin' : ''}; `
        + 'arrow keys move it, Delete removes it');
    });
    for (const extra of handles.splice(points.length)) extra.remove();
  }

  /** The line ⟨w, x⟩ = 0, and an arrow from 0 along w. */
  function border(w) {
    if (!w) return '';
    const size = Math.hypot(...w);
    const [c, s] = [w[0] / size, w[1] / size];
    const far = 2 * reach;
    const long = 0.47 * reach;
    const at = (x, y) => `${toPlane(x).toFixed(2)} ${toPlane(-y).toFixed(2)}`;
    const head = (turnBy) => at(long * c - 0.0625 * reach * Math.cos(Math.atan2(s, c) + turnBy),
      long * s - 0.0625 * reach * Math.sin(Math.atan2(s, c) + turnBy));
    return `M${at(-far * s, far * c)}L${at(far * s, -far * c)}M${at(0, 0)}L${at(long * c, long * s)}`
      + `M${head(0.45)}L${at(long * c, long * s)}L${head(-0.45)}`;
  }

  /** A text at the tip of an arrow, left or right of its direction, and off the points. */
  function name(kind, w, side, points) {
    const [c, s] = w.map((x) => x / Math.hypot(...w));
    const [x, y] = [0.5 * c - side * 0.09 * s, 0.5 * s + side * 0.09 * c].map((v) => v * reach);
    const half = 3.2 * names[kind].textContent.length; // of its width, about
    const away = -side * s * half; // beside an arrow that points up, not across it
    const inside = Math.max(half + 4, Math.min(PLANE - half - 4, toPlane(x) + away));
    const covers = (at) => points.some(([x1, x2]) => Math.abs(toPlane(x1) - inside) < half + mark + 2
      && Math.abs(toPlane(-x2) - at) < 9 + mark);
    const beside = toPlane(-y) + ([0, 9, -9, 18, -18, 27, -27, 36, -36].find((by) => !covers(toPlane(-y) + by)) ?? 0);
    set(names[kind], { x: inside.toFixed(1), y: (beside + 4).toFixed(1), 'text-anchor': 'middle' });
  }

  /**
   * points: [[x₁, x₂, y]]; active: which of them carry a ring; lines: {kind: w or null};
   * tips: {kind: a text for the arrow's tip}; band: the w of a strip |⟨w, x⟩| ≤ 1.
   */
  function draw({ points, active = [], lines, tips = {}, band = null }) {
    for (const kind of kinds) {
      borders[kind].setAttribute('d', border(lines[kind]));
      write(names[kind], lines[kind] ? tips[kind] ?? '' : '');
    }
    const told = kinds.filter((kind) => tips[kind] && lines[kind]);
    const [a, b] = told.map((kind) => lines[kind]);
    // Two texts stand on the outer sides of their arrows, wherever these point.
    const first = b && a[0] * b[1] - a[1] * b[0] > 0 ? -1 : 1;
    told.forEach((kind, i) => name(kind, lines[kind], i ? -first : first, points));
    let corners = '';
    if (band) {
      const square = band[0] ** 2 + band[1] ** 2;
      const along = [-band[1], band[0]].map((x) => (9 * x) / Math.sqrt(square));
      corners = [[1, 1], [1, -1], [-1, -1], [-1, 1]].map(([p, q]) => [0, 1]
        .map((j) => toPlane((j ? -1 : 1) * ((p * band[j]) / square + q * along[j])).toFixed(2))
        .join()).join(' ');
    }
    strip.setAttribute('points', corners);
    rings.replaceChildren();
    drawPoints(points, active);
  }

  return { svg, draw, toPlane, focus: (i) => handles[i]?.focus() };
}
