// Experiment 1 of the paper (page 10): the leaky perceptron, five algorithms, full batch.
//
// Φ((v, w), x) = v σ(⟨w, x⟩) with σ(s) = max(s, s/2), exponential loss, and Procedure 1
// on every model. SGD is Procedure 1 with ρ = 1, g = h = 0 and δ = ε. All models are
// kept in flat arrays, in the order of algorithms, rounds, parameters.
import { maxMargin } from './flow.js';

/**
 * The 5 × rounds models before their first step, from what the page was given.
 *
 * told: {points: [[x₁, x₂, y]], w0, delta, epsilon: a list of three numbers per round,
 * algorithms: [{name, eta, rho (null for the harmonic schedule), skewed}], stability,
 * epochs, slope}. `mean`: whether the loss is divided by the number of points.
 */
export function experiment(told, mean) {
  const rounds = told.w0.length;
  const size = told.algorithms.length * rounds * 3;
  const models = {
    ...told, rounds, mean, epoch: 0,
    x: Float64Array.from(told.points.flatMap(([x1, x2]) => [x1, x2])),
    y: Float64Array.from(told.points.map(([, , y]) => y)),
    w: new Float64Array(size), g: new Float64Array(size), h: new Float64Array(size),
    delta: new Float64Array(size).fill(told.stability),
    epsilon: new Float64Array(size).fill(told.stability),
  };
  told.algorithms.forEach(({ skewed }, a) => {
    for (let r = 0; r < rounds; r++) {
      const at = 3 * (a * rounds + r);
      models.w.set(told.w0[r], at);
      if (skewed) models.delta.set(told.delta[r], at);
      if (skewed) models.epsilon.set(told.epsilon[r], at);
    }
  });
  return models;
}

/** ρ_k of an algorithm; null stands for the paper's 1 − 0.1/(1 + ⌊100 k/K⌋). */
const decay = (rho, k, K) => rho ?? 1 - 0.1 / (1 + Math.floor((100 * k) / K));

/** Train every model for one epoch more. */
export function epoch(models) {
  const { algorithms, rounds, epochs, w, g, h, delta, epsilon } = models;
  const gradient = new Float64Array(3);
  algorithms.forEach(({ eta, rho }, a) => {
    const kept = decay(rho, models.epoch, epochs);
    for (let at = 3 * a * rounds; at < 3 * (a + 1) * rounds; at += 3) {
      slope(models, at, gradient);
      for (let j = 0; j < 3; j++) {
        const i = at + j;
        g[i] = kept * g[i] + (1 - kept) * gradient[j] ** 2;
        const adapted = Math.sqrt((epsilon[i] + h[i]) / (delta[i] + g[i])) * gradient[j];
        h[i] = kept * h[i] + (1 - kept) * adapted ** 2;
        w[i] -= eta * adapted;
      }
    }
  });
  models.epoch += 1;
}

/** The gradient of one model's loss. At the kink σ′ is the slope, as torch has it. */
function slope({ x, y, w, mean, slope: leak }, at, out) {
  const [v, w1, w2] = [w[at], w[at + 1], w[at + 2]];
  let p1 = 0, p2 = 0; // eslint-disable-line
  for (let i = 0; i < y.length; i++) {
    const s = w1 * x[2 * i] + w2 * x[2 * i + 1];
    const d = s > 0 ? 1 : leak;
    const e = -y[i] * d * Math.exp(-y[i] * v * d * s);
    p1 += e * x[2 * i];
    p2 += e * x[2 * i + 1];
  }
  const scale = mean ? 1 / y.length : 1;
  out[0] = (w1 * p1 + w2 * p2) * scale; // σ(s) = σ′(s)·s
  out[1] = v * p1 * scale;
  out[2] = v * p2 * scale;
}

/** Normalized margin of each model, min y Φ/‖(v, w)‖² (L = 2), and of its points, how
 * many are classified right. What has diverged is NaN and classifies nothing. */
export function observe({ x, y, w, slope: leak }) {
  const margins = new Float64Array(w.length / 3);
  const right = new Int16Array(w.length / 3);
  for (let m = 0; m < margins.length; m++) {
    const [v, w1, w2] = w.subarray(3 * m, 3 * m + 3);
    let least = Infinity;
    for (let i = 0; i < y.length; i++) {
      const s = w1 * x[2 * i] + w2 * x[2 * i + 1];
      const z = y[i] * v * (s > 0 ? s : leak * s);
      if (!(z >= least)) least = z;
      if (z > 0) right[m] += 1;
    }
    margins[m] = Number.isFinite(v + w1 + w2) ? least / (v * v + w1 * w1 + w2 * w2) : NaN;
  }
  return { margins, right };
}

/**
 * The exact KKT point (v, w) with this sign of v, and its normalized margin, for equal
 * stability terms: in u = v·w the points of one class count by the slope, and what is
 * left is the nearest point of a polygon. Null if nothing separates the points.
 */
export function kktPoint(points, sign, leak = 0.5) {
  const a = points.map(([x1, x2, y]) => [x1, x2].map((x) => (sign * y > 0 ? 1 : leak) * y * x));
  const best = maxMargin(a, [1, 1]);
  if (!best) return null;
  const v = sign * Math.sqrt(Math.hypot(...best.w)); // |v| = ‖w‖ at a KKT point
  return { w: [v, best.w[0] / v, best.w[1] / v], margin: 1 / (2 * v * v) };
}
