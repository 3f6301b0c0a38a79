import { z } from 'zod';
import { moneyFlowVolume } from './money-flow-volume';
import { defineIndicator } from './indicator';

/** Running sum of volume · ((close − low) − (high − close)) / (high − low). */
export const adIndicator = defineIndicator({
  name: 'ad',
  description: 'Accumulation/distribution line, from the first bar on',
  category: 'volume',
  reference: 'TA-Lib AD',
  inputs: ['high', 'low', 'close', 'volume'],
  parameters: z.strictObject({}),
  outputs: ['ad'],
  warmupBars: () => 0,
  compute(columns) {
    const ad = moneyFlowVolume(columns);
    let sum = 0;
    for (let i = 0; i < ad.length; i++) {
      sum += ad[i] as number;
      ad[i] = sum;
    }
    return { ad };
  },
});
