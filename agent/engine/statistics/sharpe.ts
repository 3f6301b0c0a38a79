import { normalCdf, normalQuantile } from './normal';

/**
 * What is known of one series of returns. The Sharpe ratio is that of one period (mean / deviation), not
 * annualised; skewness and kurtosis are those of the returns, 0 and 3 when they are normal.
 */
export interface TrackRecord {
  readonly sharpe: number;
  readonly returnsCount: number;
  readonly skewness: number;
  readonly kurtosis: number;
}

/** The trials that the best one was chosen from. */
export interface Trials {
  readonly count: number;
  /** Between the Sharpe ratios of the trials, each of one period. */
  readonly sharpeVariance: number;
}

/**
 * The probability that the true Sharpe ratio is above `benchmark`:
 * PSR = Φ((SR − SR*) √(n − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²))
 * (D. H. Bailey, M. López de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 2012).
 * Null when it is undefined: fewer than two returns, or returns of two values only.
 */
export function probabilisticSharpe(record: TrackRecord, benchmark = 0): number | null {
  const variance = scaledVariance(record);
  if (record.returnsCount < 2 || !(variance > 0)) return null;
  return normalCdf(((record.sharpe - benchmark) * Math.sqrt(record.returnsCount - 1)) / Math.sqrt(variance));
}

/**
 * The returns needed until PSR(benchmark) reaches `confidence`:
 * MinTRL = 1 + (1 − γ₃ SR + (γ₄ − 1)/4 SR²) (Φ⁻¹(confidence) / (SR − SR*))² (same source, in periods).
 * Null when no length is enough: the Sharpe ratio is not above the benchmark.
 */
export function minimumTrackRecordLength(
  record: TrackRecord,
  { confidence = CONFIDENCE, benchmark = 0 } = {},
): number | null {
  if (!(record.sharpe > benchmark)) return null;
  return 1 + scaledVariance(record) * (normalQuantile(confidence) / (record.sharpe - benchmark)) ** 2;
}

/** Below this probability a Sharpe ratio is no evidence of skill. */
export const CONFIDENCE = 0.95;

/**
 * The Sharpe ratio that the best of N trials without any skill is expected to have:
 * SR₀ = √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), γ = 0.5772… (Euler and Mascheroni)
 * (D. H. Bailey, M. López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5),
 * 2014). 0 for one trial: there was no choice.
 *
 * N counts every trial as independent. The paper's number of independent trials needs the correlation
 * of their returns, which results of units do not hold. Trials of a grid resemble each other, which
 * makes their variance V small and N too large; together the test errs to the side of no evidence.
 */
export function expectedMaximumSharpe({ count, sharpeVariance }: Trials): number {
  if (count <= 1) return 0;
  // −Φ⁻¹(q) = Φ⁻¹(1 − q) without the rounding of 1 − q.
  const inMost = -normalQuantile(1 / count);
  const inTail = -normalQuantile(1 / (count * Math.E));
  return Math.sqrt(sharpeVariance) * ((1 - EULER_MASCHERONI) * inMost + EULER_MASCHERONI * inTail);
}

const EULER_MASCHERONI = 0.5772156649015329;

/** DSR = PSR(SR₀): the probability of skill of the best trial, after the luck of choosing it is taken off. */
export function deflatedSharpe(best: TrackRecord, trials: Trials): number | null {
  return probabilisticSharpe(best, expectedMaximumSharpe(trials));
}

/** (n − 1) times the variance of an estimated Sharpe ratio (E. Mertens, 2002). */
function scaledVariance({ sharpe, skewness, kurtosis }: TrackRecord): number {
  return 1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe;
}
