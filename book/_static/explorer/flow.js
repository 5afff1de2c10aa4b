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
const HARD_STOP = 60; // log t at which the flow stops if it cannot be followed in log t

/**
 * What Process 2 needs, from what a reader chooses.
 *
 * skew: (δ₁/ε₁)/(δ₂/ε₂). size: √(δε), in both components. beta0: β(0), reached by h(0)
 * where it is above 1 and by g(0) where it is below. rho: the constant ρ of the flow.
 */
export function hyperparameters({ skew, size, beta0, rho }) {
  const q = skew ** 0.25;
  const delta = [size * q, size / q];
  const epsilon = [size / q, size * q];
  return {
    delta,
    epsilon,
    rho,
    chi2: delta.map((d, j) => Math.sqrt(epsilon[j] / d)),
    g0: beta0.map((b, j) => (b < 1 ? delta[j] * (1 / b ** 2 - 1) : 0)),
    h0: beta0.map((b, j) => (b > 1 ? epsilon[j] * (b ** 2 - 1) : 0)),
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
 * fails, g, h and β never change.
 */
export function flow(z, w0, { delta, rho, chi2, g0, h0, epsilon }) {
  const gamma = g0.map((g, j) => g / delta[j]);
  const kappa = h0.map((h, j) => h / epsilon[j]);
  let beta = gamma.map((c, j) => Math.sqrt((1 + kappa[j]) / (1 + c)));
  const states = [{ logt: 0, w: [...w0], beta }];
  const separable = maxMargin(z, chi2) !== null;
  let [s, w] = [0, w0];

  if (rho < 1 || !separable) {
    const process = adaptive(z, delta, chi2, 1 - rho);
    const start = { x: 0, y: [...w0, ...gamma, ...kappa] };
    for (const { x: t, y } of rodas(process, start, Math.exp(HARD_STOP))) {
      beta = adapter(y);
      [s, w] = [Math.log1p(t), [y[0], y[1]]];
      states.push({ logt: s, w, beta });
      const dead = rho === 1 || Math.max(...y.slice(2)) < GONE;
      if (dead && (separable || s > 20)) break;
    }
  }
  if (!separable) return states;

  if (rho < 1) beta = [1, 1];
  const tail = preconditioned(z, [chi2[0] * beta[0], chi2[1] * beta[1]]);
  for (const { x, y } of rodas(tail, { x: s, y: w }, LOG_T_END)) {
    states.push({ logt: x, w: y, beta });
  }
  return states;
}

const adapter = (y) => [0, 1].map((j) => Math.sqrt((1 + y[4 + j]) / (1 + y[2 + j])));

/** Equations (1)–(3) for y = (w, g/δ, h/ε), r = 1 − ρ; autonomous in t. */
function adaptive(z, delta, chi2, r) {
  const slope = (gradient, y) => {
    const out = new Array(6);
    const beta = adapter(y);
    for (let j = 0; j < 2; j++) {
      const square = gradient[j] ** 2 / delta[j];
      out[j] = -chi2[j] * beta[j] * gradient[j];
      out[2 + j] = r * (square - y[2 + j]);
      out[4 + j] = r * (beta[j] ** 2 * square - y[4 + j]); // w′²/ε = β²(∂L)²/δ
    }
    return out;
  };
  return {
    slope: (t, y) => slope(derivatives(y, z).gradient, y),
    jacobian(t, y) {
      const { gradient, hessian } = derivatives(y, z);
      const f = slope(gradient, y);
      const J = Array.from({ length: 6 }, () => new Array(6).fill(0));
      const beta = adapter(y);
      for (let j = 0; j < 2; j++) {
        const [c, k] = [2 + j, 4 + j];
        const square = gradient[j] ** 2 / delta[j];
        for (let i = 0; i < 2; i++) {
          J[j][i] = -chi2[j] * beta[j] * hessian[j][i];
          J[c][i] = (2 * r * gradient[j] * hessian[j][i]) / delta[j];
          J[k][i] = beta[j] ** 2 * J[c][i];
        }
        J[j][c] = -f[j] / (2 * (1 + y[c]));
        J[j][k] = f[j] / (2 * (1 + y[k]));
        J[c][c] = -r;
        J[k][c] = (-r * beta[j] ** 2 * square) / (1 + y[c]);
        J[k][k] = r * (square / (1 + y[c]) - 1);
      }
      return { f, J, fx: null };
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
 * in the paper's passage to the flow (page 5); it cannot go below 0. Keeps every early
 * step and then ever fewer. Stops early if the numbers leave the floats.
 */
export function procedure(z, w0, { delta, epsilon, rho, g0, h0 }, eta, steps = STEPS) {
  const rhoK = Math.max(0, 1 - eta * (1 - rho));
  const [w, g, h] = [[...w0], [...g0], [...h0]];
  const beta = () => [0, 1].map((j) => Math.sqrt((1 + h[j] / epsilon[j]) / (1 + g[j] / delta[j])));
  const states = [{ logt: 0, w: [...w], beta: beta() }];
  let keep = 1;
  for (let k = 1; k <= steps; k++) {
    let d0 = 0, d1 = 0; // eslint-disable-line
    for (const zi of z) {
      const e = Math.exp(-dot(w, zi));
      d0 -= e * zi[0];
      d1 -= e * zi[1];
    }
    for (let j = 0; j < 2; j++) {
      const gradient = j === 0 ? d0 : d1;
      g[j] = rhoK * g[j] + (1 - rhoK) * gradient ** 2;
      const adapted = Math.sqrt((epsilon[j] + h[j]) / (delta[j] + g[j])) * gradient;
      h[j] = rhoK * h[j] + (1 - rhoK) * adapted ** 2;
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
