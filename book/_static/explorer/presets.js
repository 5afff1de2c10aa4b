// What the figure begins with, and what its buttons set.

// Points (x₁, x₂, y) and w(0).
export const DATA = [
  [2.3, 1.2, 1], [1.5, 2.2, 1], [0.7, 2.6, 1], [2.7, 2.0, 1],
  [-1.1, -1.3, -1], [-2.6, -1.1, -1], [-1.5, -2.6, -1], [-2.2, -1.9, -1],
];
export const START = [-0.5, 1.0];
export const REACH = 3.2; // the plane shows [−REACH, REACH]²

// Values of the sliders: exponents of 10 (skew, size, eta, 1 − rho) and of 2 (beta).
export const PRESETS = {
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
