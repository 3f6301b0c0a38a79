import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { moneyFlowVolume } from './money-flow-volume';
import { rollingRatio } from './rolling-ratio';

/** Σ money flow volume / Σ volume over `period` bars; 0 where nothing was traded. */
export const cmfIndicator = defineIndicator({
  name: 'cmf',
  description: 'Chaikin money flow, −1 to 1',
  category: 'volume',
  reference: 'M. Chaikin, as in S. B. Achelis, "Technical Analysis from A to Z" (2nd ed., 2000)',
  inputs: ['high', 'low', 'close', 'volume'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the sums') }),
  outputs: ['cmf'],
  warmupBars: ({ period }) => period - 1,
  compute: (columns, { period }) => ({
    cmf: rollingRatio(moneyFlowVolume(columns), columns.volume, { period, undefinedAs: 0 }),
  }),
});
