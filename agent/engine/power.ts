/**
 * `base ** exponent` for base > 0 from additions, multiplications and divisions only. The engines'
 * Math.pow, exp and log call the host's C library, whose last bit depends on the processor; results
 * must be equal on every host. Relative error about 1e-15 · max(1, |exponent · ln base|).
 */
export function power(base: number, exponent: number): number {
  return exponential(exponent * logarithm(base));
}

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/** Natural logarithm of a positive finite number: base = 2^k · m, then ln m = 2 artanh((m − 1) / (m + 1)). */
export function logarithm(value: number): number {
  if (value === 0) return -Infinity;
  if (!(value > 0) || value === Infinity) return value > 0 ? value : NaN;
  let mantissa = value;
  let k = 0;
  for (; mantissa > Math.SQRT2; k++) mantissa /= 2;
  for (; mantissa < Math.SQRT1_2; k--) mantissa *= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  // |s| ≤ 0.172, so the term of s^23 is below 2^-58 of the first.
  let sum = 0;
  for (let odd = 23; odd >= 3; odd -= 2) sum = (sum + 1 / odd) * square;
  return k * LN2_HIGH + (2 * s + (2 * s * sum + k * LN2_LOW));
}

/** e^value: value = k · ln 2 + r with |r| ≤ 0.35, then Taylor's series of e^r. */
export function exponential(value: number): number {
  if (Number.isNaN(value)) return NaN;
  if (value > 710) return Infinity;
  if (value < -746) return 0;
  const k = Math.round(value / Math.LN2);
  const rest = value - k * LN2_HIGH - k * LN2_LOW;
  // 0.35^15 / 15! is below 2^-62.
  let sum = 1;
  for (let n = 15; n >= 1; n--) sum = 1 + (sum * rest) / n;
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

function powerOfTwo(k: number): number {
  let result = 1;
  const factor = k < 0 ? 0.5 : 2;
  for (let i = Math.abs(k); i > 0; i--) result *= factor;
  return result;
}
