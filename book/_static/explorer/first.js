// The first page's picture, played: the flow, and where Theorem 2 says it ends. It takes
// the place of the still, in the same box, so that nothing on the page moves.
import { LOG_T_END, flow, hyperparameters, maxMargin, stateAt, turn } from './flow.js';
import { makePlane } from './plane.js';
import { DATA, REACH, START } from './presets.js';
import { amount, degrees, write } from './svg.js';

const CHOICES = { 'Equal δ/ε': 1, 'Skewed δ/ε': 16 }; // (δ₁/ε₁) : (δ₂/ε₂)
const SECONDS = 6;
const still = document.querySelector('.first-picture img');
const box = document.createElement('div');
box.className = 'mfx mfx-first';
const words = document.createElement('p');
words.setAttribute('role', 'status');
const side = document.createElement('div');
const host = document.createElement('div');
box.append(host, side);
const plane = makePlane(host, {
  reach: REACH, kinds: ['plain', 'predicted', 'flow'], label: 'Two classes, and the line of the flow',
});
const z = DATA.map(([x1, x2, y]) => [y * x1, y * x2]);
const plain = maxMargin(z, [1, 1]).w;
let states = [];
let predicted = null;
let playing = 0;

function draw(share) {
  const { w, logt } = stateAt(states, (1 + LOG_T_END) ** share - 1);
  plane.draw({
    points: DATA,
    active: predicted.active,
    lines: { plain, predicted: predicted.w, flow: w },
    tips: { flow: `log t = ${amount(logt)}` },
  });
  return `${degrees(Math.abs(turn(w, predicted.w)))} from the limit that Theorem 2 predicts. Dotted: the widest margin.`;
}

function button(text, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', () => act(made));
  side.append(made);
  return made;
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = 'Play';
}

function choose(chosen) {
  const hyper = hyperparameters({ skew: CHOICES[chosen.textContent], size: 1, beta0: [1, 1], rho: 0.9 });
  states = flow(z, START, hyper);
  predicted = maxMargin(z, hyper.chi2);
  for (const each of choices) each.setAttribute('aria-pressed', each === chosen);
  stop();
  write(words, draw(1));
}

const choices = Object.keys(CHOICES).map((text) => button(text, choose));
const play = button('Play', () => {
  if (playing) return stop();
  let began = null;
  const tick = (time) => {
    began ??= time;
    const share = Math.min(1, (time - began) / (1000 * SECONDS));
    const told = draw(share);
    if (share < 1) playing = requestAnimationFrame(tick);
    else {
      stop();
      write(words, told);
    }
  };
  play.textContent = 'Stop';
  playing = requestAnimationFrame(tick);
});
// Who asked for less motion sees where it ends.
play.hidden = matchMedia('(prefers-reduced-motion: reduce)').matches;
side.append(words);
choose(choices[1]);
still.replaceWith(box);
