import { exponential, logarithm } from '#agent/engine/power';

/**
 * The standard normal distribution function Φ, its lower tail with full relative accuracy:
 * relative error below 1e-14 down to x = −37. The same bits on every host, as in power.ts.
 * Within ±2 Taylor's series ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …) (G. Marsaglia, Evaluating the normal
 * distribution, Journal of Statistical Software 11(4), 2004); beyond Laplace's continued fraction of
 * Mills' ratio (1 − Φ(x)) / φ(x) = 1 / (x + 1 / (x + 2 / (x + 3 / …))) (Abramowitz and Stegun 26.2.14).
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < 2) return 0.5 + density(x) * oddSeries(x);
  const tail = density(x) * millsRatio(Math.abs(x));
  return x < 0 ? tail : 1 - tail;
}

const INVERSE_ROOT_2PI = 0.3989422804014327;

function density(x: number): number {
  // x² is rounded, and e^(−x²/2) would magnify that: the square of a short number is exact (Cody, 1969).
  const short = Math.trunc(x * 16) / 16;
  const rest = (x - short) * (x + short);
  return INVERSE_ROOT_2PI * exponential(-0.5 * short * short) * exponential(-0.5 * rest);
}

function oddSeries(x: number): number {
  const square = x * x;
  let term = x;
  let sum = x;
  // At |x| = 2 the 30th term is below 1e-18 of the sum.
  for (let n = 3; n <= 63; n += 2) {
    term *= square / n;
    sum += term;
  }
  return sum;
}

function millsRatio(x: number): number {
  if (x > 39) return 0;
  // The n-th convergent errs by about e^(−2 x √(2n)): 1e-24 at x = 2.
  let fraction = x;
  for (let n = 100; n >= 1; n--) fraction = x + n / fraction;
  return 1 / fraction;
}

/**
 * The inverse Φ⁻¹ for 0 < p < 1, ±∞ at the ends: algorithm AS 241 (PPND16), relative error about 1e-16
 * (M. J. Wichura, The percentage points of the normal distribution, Applied Statistics 37(3), 1988).
 * For the upper tail −normalQuantile(1 − p) is more exact, since 1 − p is.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(A, r)) / polynomial(B, r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (tail === 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-logarithm(tail));
  const magnitude =
    r <= 5 ? polynomial(C, r - 1.6) / polynomial(D, r - 1.6) : polynomial(E, r - 5) / polynomial(F, r - 5);
  return q < 0 ? -magnitude : magnitude;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

const A = [
  2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
  13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
];
const B = [
  5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
  5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1,
];
const C = [
  7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
  3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
];
const D = [
  1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
  0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
];
const E = [
  2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
  0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
];
const F = [
  2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
  0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1,
];
