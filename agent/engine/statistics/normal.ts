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
  if (Math.abs(x) > 39) return x < 0 ? 0 : 1;
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
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
];
const B = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
];
const C = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const D = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const E = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
  0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const F = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
  0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
];
