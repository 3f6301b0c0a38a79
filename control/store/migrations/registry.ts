import fleet from './0001-fleet.sql' with { type: 'text' };
import bars from './0002-bars.sql' with { type: 'text' };
import pinnedBars from './0003-pinned-bars.sql' with { type: 'text' };
import backtestResults from './0004-backtest-results.sql' with { type: 'text' };
import drain from './0005-drain.sql' with { type: 'text' };
import forget from './0006-forget.sql' with { type: 'text' };

/** Numbered, applied in this order, and never changed after a release: a change is a new migration. */
export interface Migration {
  number: number;
  name: string;
  text: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: '0001-fleet', text: fleet },
  { number: 2, name: '0002-bars', text: bars },
  { number: 3, name: '0003-pinned-bars', text: pinnedBars },
  { number: 4, name: '0004-backtest-results', text: backtestResults },
  { number: 5, name: '0005-drain', text: drain },
  { number: 6, name: '0006-forget', text: forget },
];
