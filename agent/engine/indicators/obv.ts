import { z } from 'zod';
import { defineIndicator } from './indicator';

/** Adds the volume of bars that close higher and takes away that of bars that close lower. */
export const obvIndicator = defineIndicator({
  name: 'obv',
  description: 'On-balance volume, from the first bar on',
  category: 'volume',
  reference: 'TA-Lib OBV',
  inputs: ['source', 'volume'],
  parameters: z.strictObject({}),
  outputs: ['obv'],
  warmupBars: () => 0,
  compute({ source, volume }) {
    const obv = new Float64Array(source.length);
    let balance = 0;
    let previous = -Infinity;
    for (let i = 0; i < obv.length; i++) {
      const price = source[i] as number;
      if (price > previous) balance += volume[i] as number;
      else if (price < previous) balance -= volume[i] as number;
      previous = price;
      obv[i] = balance;
    }
    return { obv };
  },
});
