/** Count, mean and sums of powers of deviations from the mean of one sample: enough for its shape. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Σ (x − mean)², Σ (x − mean)³, Σ (x − mean)⁴. */
  readonly squares: number;
  readonly cubes: number;
  readonly fourths: number;
}

export const NO_MOMENTS: Moments = { count: 0, mean: 0, squares: 0, cubes: 0, fourths: 0 };

/** Of the first `count` values around their mean, which the caller knows already. */
export function momentsAround(mean: number, values: Float64Array, count = values.length): Moments {
  let squares = 0;
  let cubes = 0;
  let fourths = 0;
  for (let i = 0; i < count; i++) {
    const deviation = (values[i] as number) - mean;
    const square = deviation * deviation;
    squares += square;
    cubes += square * deviation;
    fourths += square * square;
  }
  return { count, mean, squares, cubes, fourths };
}

/**
 * The moments of two samples as one: P. Pébay, Formulas for robust, one-pass parallel computation of
 * covariances and arbitrary-order statistical moments, Sandia report SAND2008-6212, equations 2.1 to 2.4.
 */
export function combineMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const delta = b.mean - a.mean;
  const part = delta / count;
  const product = a.count * b.count;
  return {
    count,
    mean: a.mean + b.count * part,
    squares: a.squares + b.squares + delta * part * product,
    cubes:
      a.cubes +
      b.cubes +
      delta * part * part * product * (a.count - b.count) +
      3 * part * (a.count * b.squares - b.count * a.squares),
    fourths:
      a.fourths +
      b.fourths +
      delta * part ** 3 * product * (a.count ** 2 - product + b.count ** 2) +
      6 * part * part * (a.count ** 2 * b.squares + b.count ** 2 * a.squares) +
      4 * part * (a.count * b.cubes - b.count * a.cubes),
  };
}

/** √(Σ (x − mean)² / (n − 1)); null below two values. */
export function standardDeviation({ count, squares }: Moments): number | null {
  return count > 1 ? Math.sqrt(squares / (count - 1)) : null;
}

/** m₃ / m₂^(3/2) with the population's moments; null where nothing varies. */
export function skewness({ count, squares, cubes }: Moments): number | null {
  if (!(squares > 0)) return null;
  const variance = squares / count;
  return cubes / count / (variance * Math.sqrt(variance));
}

/** m₄ / m₂² with the population's moments: 3 for a normal distribution; null where nothing varies. */
export function kurtosis({ count, squares, fourths }: Moments): number | null {
  if (!(squares > 0)) return null;
  const variance = squares / count;
  return fourths / count / (variance * variance);
}

/** The inverse: what a sample with these figures has for moments. The deviation is that of the sample. */
export function momentsOf(figures: {
  count: number;
  mean: number;
  standardDeviation: number;
  skewness: number;
  kurtosis: number;
}): Moments {
  const { count, mean } = figures;
  const squares = figures.standardDeviation ** 2 * (count - 1);
  const variance = squares / count;
  return {
    count,
    mean,
    squares,
    cubes: figures.skewness * count * variance * Math.sqrt(variance),
    fourths: figures.kurtosis * count * variance * variance,
  };
}
