// The mathematics of the interactive figure, in the paper's letters; nothing here draws.
//
// A linear predictor Φ(w, x) = ⟨w, x⟩ in the plane (L = 1, so Assumption 1 holds) with
// the exponential loss. Only the products z_i = y_i x_i matter:
//
//     L(w) = Σ_i exp(−⟨w, z_i⟩).
//
// Vectors are arrays of two numbers; z is an array of vectors.

/** The flow is followed to log t = LOG_T_END, if the data are separable. */
export const LOG_T_END = 10000;
/** Procedure 1 is run for this many steps. */
export const STEPS = 5000;

const TOLERANCE = 1e-6; // of each step of the flow, relative and absolute
const GONE = 1e-9; // g/δ and h/ε below this leave β = 1 to that accuracy
const FAST = 1e4; // the greatest rate, of Adam's corrected average near t = 0
const HARD_STOP = 60; // log t at which the flow stops if it cannot be followed in log t

/**
 * AdaDelta and its relatives, all of the form w′ = −χ²β ∂L(w), where χ² is the
 * preconditioner at g = h = 0: which averages a rule has, and what χ² is.
 *
 * `corrected` is Adam's correction of g for its start at 0 (there is no momentum).
 */
export const RULES = {
  adadelta: { g: true, h: true, forgets: true, chi2: (d, e) => Math.sqrt(e / d) },
  gradient: { g: false, h: false, forgets: false, chi2: () => 1 },
  rmsprop: { g: true, h: false, forgets: true, chi2: (d) => 1 / Math.sqrt(d) },
  adam: { g: true, h: false, forgets: true, corrected: true, chi2: (d) => 1 / Math.sqrt(d) },
  adagrad: { g: true, h: false, forgets: false, chi2: (d) => 1 / Math.sqrt(d) },
};

/** Whether a rule's averages may start elsewhere than at 0: only then has β(0) a say. */
export const starts = (rule) => RULES[rule].g && !RULES[rule].corrected;

/**
 * What Process 2 needs, from what a reader chooses.
 *
 * skew: (δ₁/ε₁)/(δ₂/ε₂). size: √(δε), in both components. beta0: β(0), reached by h(0)
 * where it is above 1 and by g(0) where it is below; a rule without them starts at 1.
 * rho: the constant ρ of the flow.
 */
export function hyperparameters({ skew, size, beta0, rho, rule = 'adadelta' }) {
  const q = skew ** 0.25;
  const delta = [size * q, size / q];
  const epsilon = [size / q, size * q];
  const { h, chi2 } = RULES[rule];
  return {
    rule,
    delta,
    epsilon,
    rho,
    chi2: delta.map((d, j) => chi2(d, epsilon[j])),
    g0: beta0.map((b, j) => (starts(rule) && b < 1 ? delta[j] * (1 / b ** 2 - 1) : 0)),
    h0: beta0.map((b, j) => (h && b > 1 ? epsilon[j] * (b ** 2 - 1) : 0)),
  };
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1];

/** Angle of w in degrees, in (−180, 180]. */
export const angle = (w) => (Math.atan2(w[1], w[0]) * 180) / Math.PI;

/** The angle from b to a in degrees, in (−180, 180]. */
export function turn(a, b) {
  return angle([dot(a, b), b[0] * a[1] - b[1] * a[0]]);
}

/** Gradient and Hessian of Σ_i exp(s − ⟨w, z_i⟩): of e^s L. */
function derivatives(w, z, s = 0) {
  let g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0; // eslint-disable-line
  for (const zi of z) {
    const e = Math.exp(s - dot(w, zi));
    g0 -= e * zi[0];
    g1 -= e * zi[1];
    h00 += e * zi[0] * zi[0];
    h01 += e * zi[0] * zi[1];
    h11 += e * zi[1] * zi[1];
  }
  return { gradient: [g0, g1], hessian: [[h00, h01], [h01, h11]] };
}

/**
 * The direction that Theorem 2 predicts: the minimizer of
 *
 *     ½ ‖(δ/ε)^¼ w‖²  subject to  ⟨w, z_i⟩ ≥ 1 for all i,
 *
 * exactly. In v = w/χ this is the point of a polygon nearest to 0. It lies on one edge
 * or at one corner, so that the best feasible one of all edges and corners is the
 * minimizer. Returns null if nothing is feasible: the data are not separable.
 */
export function maxMargin(z, chi2) {
  const chi = chi2.map(Math.sqrt);
  const a = z.map((zi) => [chi[0] * zi[0], chi[1] * zi[1]]);
  let best = null;
  const consider = (v, active) => {
    const size = Math.hypot(...v);
    if (!(size < 1e9) || (best && size >= best.size)) return;
    // Constraints other than the active ones, up to rounding.
    const holds = (ai) => dot(v, ai) >= 1 - 1e-12 * (1 + size * Math.hypot(...ai));
    if (a.every((ai, i) => active.includes(i) || holds(ai))) best = { v, size, active };
  };
  a.forEach((p, i) => {
    const square = dot(p, p);
    if (square > 0) consider([p[0] / square, p[1] / square], [i]);
    for (let k = 0; k < i; k++) {
      const q = a[k];
      const det = p[0] * q[1] - p[1] * q[0];
      if (det !== 0) consider([(q[1] - p[1]) / det, (p[0] - q[0]) / det], [k, i]);
    }
  });
  if (!best) return null;
  return { w: [chi[0] * best.v[0], chi[1] * best.v[1]], active: best.active };
}

/**
 * Process 2 from w(0), g(0), h(0), as a list of states {logt, w, beta}.
 *
 * `logt` is log(1 + t), which is log t for all but small t and begins at 0.
 *
 * First equations (1)–(3) as they stand, in t, with γ = g/δ and κ = h/ε in the place of
 * g and h. When both have died out β is 1, and what is left of the flow is followed in
 * s = log(1 + t), with products t·exp(−⟨w, z_i⟩) formed as one exponential: so t itself,
 * which overflows at log t = 709, is never needed. With ρ = 1, where Assumption 2 (i)
 * fails, g, h and β never change; AdaGrad's β stays where it is once t(∂L)² has died out.
 */
export function flow(z, w0, { delta, rho, chi2, g0, h0, epsilon, rule = 'adadelta' }) {
  const kind = RULES[rule];
  const gamma = g0.map((g, j) => g / delta[j]);
  const kappa = h0.map((h, j) => h / epsilon[j]);
  if (kind.corrected) derivatives(w0, z).gradient.forEach((d, j) => { gamma[j] = d ** 2 / delta[j]; });
  let beta = gamma.map((c, j) => Math.sqrt((1 + kappa[j]) / (1 + c)));
  const states = [{ logt: 0, w: [...w0], beta }];
  const separable = maxMargin(z, chi2) !== null;
  let [s, w] = [0, w0];

  const frozen = kind.forgets && !kind.corrected ? rho === 1 : !kind.g;
  if (!frozen || !separable) {
    const process = adaptive(z, delta, chi2, 1 - rho, kind);
    const start = { x: 0, y: [...w0, ...gamma, ...kappa] };
    for (const { x: t, y } of rodas(process, start, Math.exp(HARD_STOP))) {
      beta = adapter(y);
      [s, w] = [Math.log1p(t), [y[0], y[1]]];
      states.push({ logt: s, w, beta });
      const left = kind.forgets ? y.slice(2)
        : derivatives(w, z).gradient.map((d, j) => (t * d ** 2) / delta[j]);
      const dead = frozen || Math.max(...left) < GONE;
      if (dead && (separable || s > 20)) break;
    }
  }
  if (!separable) return states;

  if (!frozen && kind.forgets) beta = [1, 1];
  const tail = preconditioned(z, [chi2[0] * beta[0], chi2[1] * beta[1]]);
  for (const { x, y } of rodas(tail, { x: s, y: w }, LOG_T_END)) {
    states.push({ logt: x, w: y, beta });
  }
  return states;
}

/** The preconditioner in the limit; AdaGrad's is measured on the flow itself. */
export function limit({ rule, chi2 }, states) {
  return rule === 'adagrad' ? chi2.map((c, j) => c * states.at(-1).beta[j]) : chi2;
}

/** The state at log t, linear in between; the last one if the path ends before. */
export function stateAt(states, logt) {
  const after = states.findIndex((state) => state.logt >= logt);
  if (after <= 0) return after < 0 ? states.at(-1) : states[0];
  const [a, b] = [states[after - 1], states[after]];
  const part = (logt - a.logt) / (b.logt - a.logt);
  return { logt, w: a.w.map((x, j) => x + part * (b.w[j] - x)) };
}

const adapter = (y) => [0, 1].map((j) => Math.sqrt((1 + y[4 + j]) / (1 + y[2 + j])));

/**
 * Equations (1)–(3) for y = (w, g/δ, h/ε) in t, r = 1 − ρ; and the relatives, whose h
 * stays 0. In general (g/δ)′ = a·((∂L)²/δ − k·g/δ), a the rate and k whether it forgets.
 */
function adaptive(z, delta, chi2, r, { g, h, forgets, corrected }) {
  const k = forgets ? 1 : 0;
  const b = h ? r : 0;
  const rate = (t) => {
    if (!g) return { a: 0, da: 0 };
    if (!corrected) return { a: forgets ? r : 1, da: 0 };
    // r/(1 − e^(−rt)), which is infinite at 0, where it holds g at (∂L)²: capped.
    const gone = -Math.expm1(-r * t);
    const a = r > 0 ? r / gone : 1 / t;
    return a < FAST ? { a, da: -a * (r > 0 ? a * (1 - gone) : a) } : { a: FAST, da: 0 };
  };
  const slope = (gradient, y, a) => {
    const out = new Array(6);
    const beta = adapter(y);
    for (let j = 0; j < 2; j++) {
      const square = gradient[j] ** 2 / delta[j];
      out[j] = -chi2[j] * beta[j] * gradient[j];
      out[2 + j] = a * (square - k * y[2 + j]);
      out[4 + j] = b * (beta[j] ** 2 * square - y[4 + j]); // w′²/ε = β²(∂L)²/δ
    }
    return out;
  };
  return {
    slope: (t, y) => slope(derivatives(y, z).gradient, y, rate(t).a),
    jacobian(t, y) {
      const { gradient, hessian } = derivatives(y, z);
      const { a, da } = rate(t);
      const f = slope(gradient, y, a);
      const J = Array.from({ length: 6 }, () => new Array(6).fill(0));
      const fx = new Array(6).fill(0);
      const beta = adapter(y);
      for (let j = 0; j < 2; j++) {
        const [c, l] = [2 + j, 4 + j];
        const square = gradient[j] ** 2 / delta[j];
        for (let i = 0; i < 2; i++) {
          J[j][i] = -chi2[j] * beta[j] * hessian[j][i];
          const pull = (2 * gradient[j] * hessian[j][i]) / delta[j];
          J[c][i] = a * pull;
          J[l][i] = b * beta[j] ** 2 * pull;
        }
        J[j][c] = -f[j] / (2 * (1 + y[c]));
        J[j][l] = f[j] / (2 * (1 + y[l]));
        J[c][c] = -a * k;
        J[l][c] = (-b * beta[j] ** 2 * square) / (1 + y[c]);
        J[l][l] = b * (square / (1 + y[c]) - 1);
        fx[c] = da * (square - k * y[c]);
      }
      return { f, J, fx };
    },
  };
}

/** Equation (5) with constant factors c = χ²β, in s = log(1 + t). */
function preconditioned(z, c) {
  const scale = (gradient) => [-c[0] * gradient[0], -c[1] * gradient[1]];
  return {
    slope: (s, w) => scale(derivatives(w, z, s).gradient),
    jacobian(s, w) {
      const { gradient, hessian } = derivatives(w, z, s);
      const f = scale(gradient);
      const J = hessian.map((row, j) => row.map((entry) => -c[j] * entry));
      return { f, J, fx: f }; // s enters as the factor e^s alone
    },
  };
}

/**
 * Integrate y′ = f(x, y) by the Rosenbrock method RODAS of Hairer and Wanner (Solving
 * Ordinary Differential Equations II, Section IV.7): six stages that share one matrix,
 * order 4 with an error estimate of order 3, L-stable, so that fast relaxations cost no
 * small steps. Yields {x, y} after each accepted step, until `end`.
 */
function* rodas({ slope, jacobian }, start, end) {
  let { x, y } = start;
  let step = 1e-3;
  let at = jacobian(x, y);
  while (x < end && step > 1e-14 * (1 + x)) {
    if (x + step > end) step = end - x;
    const next = rodasStep(slope, at, x, y, step);
    const error = Math.sqrt(
      next.error.reduce((sum, e, i) => {
        const size = 1 + Math.max(Math.abs(y[i]), Math.abs(next.y[i]));
        return sum + (e / (TOLERANCE * size)) ** 2;
      }, 0) / y.length,
    );
    const ok = error <= 1; // false also for NaN, when the step left the floats
    if (ok) {
      x += step;
      y = next.y;
      at = jacobian(x, y);
      yield { x, y };
    }
    const factor = 0.9 * Math.max(error, 1e-12) ** (-1 / 4);
    step *= Number.isFinite(error) ? Math.min(ok ? 5 : 1, Math.max(0.1, factor)) : 0.1;
  }
}

// Row by row, the coefficients of stages 1 to 6 in the form that needs no products with
// the Jacobian: A weighs earlier stages in the argument, C on the right-hand side.
const A = [
  [],
  [1.544],
  [0.9466785280815826, 0.2557011698983284],
  [3.314825187068521, 2.896124015972201, 0.9986419139977817],
  [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
  [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1],
];
const C = [
  [],
  [-5.6688],
  [-2.430093356833875, -0.2063599157091915],
  [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
  [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
  [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136,
    -6.058818238834054],
];
const AT = [0, 0.386, 0.21, 0.63, 1, 1];
const DRIFT = [0.25, -0.1043, 0.1035, -0.0362, 0, 0];

function rodasStep(slope, { f, J, fx }, x, y, step) {
  const n = y.length;
  const matrix = J.map((row, i) => row.map((e, j) => (i === j ? 4 / step : 0) - e));
  const solve = factorize(matrix);
  const k = [];
  for (let i = 0; i < 6; i++) {
    const argument = y.slice();
    const b = new Array(n).fill(0);
    for (let j = 0; j < i; j++) {
      for (let c = 0; c < n; c++) {
        argument[c] += A[i][j] * k[j][c];
        b[c] += (C[i][j] / step) * k[j][c];
      }
    }
    const value = i === 0 ? f : slope(x + AT[i] * step, argument);
    for (let c = 0; c < n; c++) b[c] += value[c] + (fx ? DRIFT[i] * step * fx[c] : 0);
    k.push(solve(b));
    if (i === 5) return { y: argument.map((a, c) => a + k[5][c]), error: k[5] };
  }
}

/** Gaussian elimination with partial pivoting; returns the map b ↦ A⁻¹b. */
function factorize(A) {
  const n = A.length;
  const order = A.map((_, i) => i);
  for (let c = 0; c < n; c++) {
    let p = c;
    for (let i = c + 1; i < n; i++) if (Math.abs(A[i][c]) > Math.abs(A[p][c])) p = i;
    [A[c], A[p]] = [A[p], A[c]];
    [order[c], order[p]] = [order[p], order[c]];
    for (let i = c + 1; i < n; i++) {
      A[i][c] /= A[c][c];
      for (let j = c + 1; j < n; j++) A[i][j] -= A[i][c] * A[c][j];
    }
  }
  return (b) => {
    const u = order.map((i) => b[i]);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) u[i] -= A[i][j] * u[j];
    for (let i = n - 1; i >= 0; i--) {
      for (let j = i + 1; j < n; j++) u[i] -= A[i][j] * u[j];
      u[i] /= A[i][i];
    }
    return u;
  };
}

/**
 * Procedure 1 from the same start, as a list of states {logt, w, beta}; t = kη.
 *
 * Its coefficient is ρ_k = 1 − η(1 − ρ), so that (1 − ρ_k)/η does not depend on η, as
 * in the paper's passage to the flow (page 5); it cannot go below 0. A relative's step is
 * made in the same way; AdaGrad adds η(∂L)². Keeps every early step and then ever fewer.
 * Stops early if the numbers leave the floats.
 */
export function procedure(z, w0, hyper, eta, steps = STEPS) {
  const { delta, epsilon, rho, g0, h0, rule = 'adadelta' } = hyper;
  const kind = RULES[rule];
  const forget = Math.min(1, eta * (1 - rho)); // 1 − ρ_k
  const [w, g, h] = [[...w0], [...g0], [...h0]];
  const beta = () => [0, 1].map((j) => Math.sqrt((1 + h[j] / epsilon[j]) / (1 + g[j] / delta[j])));
  const states = [{ logt: 0, w: [...w], beta: beta() }];
  let keep = 1;
  for (let k = 1; k <= steps; k++) {
    const [a, kept] = weights(kind, forget, eta, k);
    let d0 = 0, d1 = 0; // eslint-disable-line
    for (const zi of z) {
      const e = Math.exp(-dot(w, zi));
      d0 -= e * zi[0];
      d1 -= e * zi[1];
    }
    for (let j = 0; j < 2; j++) {
      const gradient = j === 0 ? d0 : d1;
      g[j] = kept * g[j] + a * gradient ** 2;
      const root = kind.h ? Math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j]))
        : kind.g ? 1 / Math.sqrt(delta[j] + g[j]) : 1;
      const adapted = root * gradient;
      if (kind.h) h[j] = (1 - forget) * h[j] + forget * adapted ** 2;
      w[j] -= eta * adapted;
    }
    if (!Number.isFinite(w[0] + w[1] + g[0] + g[1] + h[0] + h[1])) break;
    if (k >= keep || k === steps) {
      states.push({ logt: Math.log1p(k * eta), w: [...w], beta: beta() });
      keep = Math.max(k + 1, k * 1.02);
    }
  }
  return states;
}

/** [a, kept] of g ← kept·g + a·(∂L)² in step k. */
function weights({ g, forgets, corrected }, forget, eta, k) {
  if (!g) return [0, 1];
  if (!forgets) return [eta, 1];
  // Adam divides g by 1 − ρ_k^k: what it divides is again an average.
  const a = !corrected ? forget : forget > 0 ? forget / (1 - (1 - forget) ** k) : 1 / k;
  return [a, 1 - a];
}
