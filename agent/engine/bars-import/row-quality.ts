import type { QualityFinding } from '#agent/contract/bars';
import { timeframeMs } from '#agent/contract/timeframe';
import type { Timeframe } from '#agent/contract/timeframe';
import { placeOf } from './bar-row';
import type { BarRow } from './bar-row';
import { FIGURES } from './header';
import { DAY_US } from './stamp';
import { counted, createTally } from './tally';
import type { Tally } from './tally';

/** What is wrong with single rows, whatever comes before or after them. */
export interface RowQuality {
  readonly impossible: Tally;
  /** `localUs` is the row's time on the clock of its own zone. */
  check(row: BarRow, localUs: number): void;
  findings(): QualityFinding[];
}

export function createRowQuality(timeframe: Timeframe): RowQuality {
  const impossible = createTally();
  const offGrid = createTally();
  const stepUs = gridStepUs(timeframe);
  return {
    impossible,
    check(row, localUs) {
      const fault = impossibility(row);
      if (fault !== undefined) impossible.note(() => `${placeOf(row)}: ${fault}`);
      if (localUs % stepUs !== 0) offGrid.note(() => placeOf(row));
    },
    findings: () => [
      ...impossible.findings({
        kind: 'impossible',
        severity: 'error',
        message: `${counted(impossible.count, 'bar')} cannot have happened; nothing was corrected`,
      }),
      ...offGrid.findings({
        kind: 'off_grid',
        severity: 'warning',
        message: `${counted(offGrid.count, 'bar')} off the grid; rule: ${gridRule(timeframe)}`,
      }),
    ],
  };
}

/** Why no market can have traded such a bar; undefined when one can. */
export function impossibility(row: BarRow): string | undefined {
  const { high, low } = row;
  for (const name of FIGURES) {
    const value = row[name];
    if (!Number.isFinite(value)) return `${name} is ${value}`;
    if (name !== 'volume' && value <= 0) return `${name} ${value} is not positive`;
    if (value < 0) return `${name} ${value} is negative`;
  }
  if (high < low) return `high ${high} is below low ${low}`;
  for (const name of ENDS) {
    const value = row[name];
    if (value > high * (1 + NOISE)) return `${name} ${value} is above high ${high}`;
    if (value < low * (1 - NOISE)) return `${name} ${value} is below low ${low}`;
  }
  return undefined;
}

const ENDS = ['open', 'close'] as const;
/** Prices that were computed, adjusted ones above all, differ in their last digits. */
const NOISE = 1e-9;

/** Hours begin at half hours too, as sessions do; days and weeks begin at midnight. */
function gridStepUs(timeframe: Timeframe): number {
  if (timeframe === '1d' || timeframe === '1w') return DAY_US;
  return Math.min(timeframeMs(timeframe), HALF_HOUR_MS) * 1000;
}

const HALF_HOUR_MS = 30 * 60_000;

function gridRule(timeframe: Timeframe): string {
  if (timeframe === '1d' || timeframe === '1w') return `a ${timeframe} bar begins at midnight of its zone`;
  const minutes = gridStepUs(timeframe) / 60_000_000;
  const unit = minutes === 1 ? 'a whole minute' : `a multiple of ${minutes} minutes`;
  return `a ${timeframe} bar begins at ${unit} of its zone's day`;
}
