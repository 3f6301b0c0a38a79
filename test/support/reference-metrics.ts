/** The formulas of the metrics spelt out over plain arrays, for the reference backtest. */

export interface ReferenceTrade {
  netPnl: number;
  hours: number;
}

export interface ReferenceRun {
  initial: number;
  /** At each bar's close, and when the bar opened. */
  equity: number[];
  timeMs: number[];
  trades: ReferenceTrade[];
  barsHeld: number;
  /** Of all bars of the series, which tell whether weekends trade. */
  allTimesMs: number[];
  closes: number[];
}

/** Every metric under KTRDR's names. */
export function referenceMetrics(run: ReferenceRun): Record<string, number | null> {
  const { equity, initial, trades, closes } = run;
  const perYear = periodsPerYear(run.allTimesMs);
  const days = Map.groupBy(equity.keys(), (i) => new Date(run.timeMs[i] ?? 0).toISOString().slice(0, 10));
  const daily = [initial, ...[...days.values()].map((indices) => equity[indices.at(-1) ?? 0] ?? NaN)];
  return {
    ...equityFigures(equity, initial),
    ...returnFigures(daily, perYear),
    ...tradeFigures(trades, initial),
    exposure: run.barsHeld / equity.length,
    buy_and_hold_return: (closes.at(-1) ?? NaN) / (closes[0] ?? NaN) - 1,
    ...ratios(equity, daily, { perYear }),
  };
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: number[]): number | null => (values.length === 0 ? null : sum(values) / values.length);
const divide = (a: number | null, b: number | null): number | null =>
  a === null || b === null || b <= 0 ? null : a / b;

/** Equity is rounded to some 1e-16 of itself at each trade: spreads near that are of no return. */
const aboveNoise = (spread: number | null): number | null => (spread !== null && spread < 1e-12 ? 0 : spread);

function deviation(values: number[]): number | null {
  const middle = mean(values);
  if (middle === null || values.length < 2) return null;
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
}

function periodsPerYear(timeMs: number[]): number {
  const weekend = timeMs.filter((time) => [0, 6].includes(new Date(time).getUTCDay())).length;
  return weekend / timeMs.length > (0.6 * 2) / 7 ? 365 : 252;
}

function fallsOf(equity: number[]): Array<{ fall: number; peak: number }> {
  return equity.map((value, i) => {
    const peak = Math.max(...equity.slice(0, i + 1));
    return { fall: peak - value, peak };
  });
}

function equityFigures(equity: number[], initial: number): Record<string, number | null> {
  const final = equity.at(-1) ?? initial;
  const falls = fallsOf([initial, ...equity]);
  return {
    final_equity: final,
    total_return: final - initial,
    total_return_pct: (final - initial) / initial,
    max_drawdown: Math.max(...falls.map(({ fall }) => fall)),
    max_drawdown_pct: Math.max(...falls.map(({ fall, peak }) => fall / peak)),
  };
}

function returnFigures(daily: number[], perYear: number): Record<string, number | null> {
  const names = [
    'annualized_return',
    'volatility',
    'sharpe_ratio',
    'sortino_ratio',
    'compounded_sharpe_ratio',
    'skewness',
    'kurtosis',
  ];
  if (daily.some((value) => value <= 0)) {
    const nothing = { daily_returns_count: 0, periods_per_year: perYear };
    return { ...Object.fromEntries(names.map((name) => [name, null])), ...nothing };
  }
  const returns = daily.slice(1).map((value, i) => value / (daily[i] ?? NaN) - 1);
  const growth = returns.reduce((product, r) => product * (1 + r), 1);
  const annual = growth ** (perYear / returns.length) - 1;
  const daySpread = aboveNoise(deviation(returns));
  const volatility = daySpread === null ? null : daySpread * Math.sqrt(perYear);
  const downside = aboveNoise(Math.sqrt(mean(returns.map((r) => Math.min(r, 0) ** 2)) ?? NaN)) ?? 0;
  return {
    annualized_return: annual,
    volatility,
    sharpe_ratio: divide((mean(returns) ?? NaN) * Math.sqrt(perYear), daySpread),
    sortino_ratio: divide(annual, downside * Math.sqrt(perYear)),
    compounded_sharpe_ratio: divide(annual, volatility),
    daily_returns_count: returns.length,
    periods_per_year: perYear,
    skewness: standardizedMoment(returns, daySpread, 3),
    kurtosis: standardizedMoment(returns, daySpread, 4),
  };
}

/** The mean of ((r − mean) / s)^order, with s the deviation of the population. */
function standardizedMoment(returns: number[], spread: number | null, order: number): number | null {
  const middle = mean(returns);
  if (middle === null || spread === null || spread === 0) return null;
  const population = spread * Math.sqrt((returns.length - 1) / returns.length);
  return mean(returns.map((r) => ((r - middle) / population) ** order));
}

function ratios(
  equity: number[],
  daily: number[],
  { perYear }: { perYear: number },
): Record<string, number | null> {
  const { annualized_return: annual = null } = returnFigures(daily, perYear);
  const figures = equityFigures(equity, daily[0] ?? NaN);
  return {
    calmar_ratio: divide(annual, figures['max_drawdown_pct'] ?? null),
    recovery_factor: divide(figures['total_return'] ?? null, figures['max_drawdown'] ?? null),
  };
}

function tradeFigures(trades: ReferenceTrade[], initial: number): Record<string, number | null> {
  const pnls = trades.map(({ netPnl }) => netPnl);
  const wins = trades.filter(({ netPnl }) => netPnl > 0);
  const losses = trades.filter(({ netPnl }) => netPnl < 0);
  const winPnls = wins.map(({ netPnl }) => netPnl);
  const lossPnls = losses.map(({ netPnl }) => netPnl);
  const hours = (some: ReferenceTrade[]): number | null => mean(some.map((trade) => trade.hours));
  const winRate = trades.length === 0 ? null : wins.length / trades.length;
  const payoff = divide(mean(winPnls), lossPnls.length === 0 ? null : -(mean(lossPnls) ?? 0));
  const middle = mean(pnls);
  const relativeSpread = aboveNoise(deviation(pnls.map((pnl) => pnl / initial)));
  return {
    total_trades: trades.length,
    winning_trades: wins.length,
    losing_trades: losses.length,
    win_rate: winRate,
    profit_factor: divide(sum(winPnls), -sum(lossPnls)),
    avg_holding_period: hours(trades),
    avg_win_holding_period: hours(wins),
    avg_loss_holding_period: hours(losses),
    avg_win: mean(winPnls),
    avg_loss: mean(lossPnls),
    largest_win: winPnls.length === 0 ? null : Math.max(...winPnls),
    largest_loss: lossPnls.length === 0 ? null : Math.min(...lossPnls),
    sqn: divide(
      middle === null ? null : Math.sqrt(pnls.length) * middle,
      relativeSpread === null ? null : relativeSpread * initial,
    ),
    kelly: winRate === null || payoff === null ? null : winRate - (1 - winRate) / payoff,
  };
}
