import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';

/** 100 · (price / price `period` bars ago − 1); 0 where the old price is 0, as TA-Lib has it. */
export const rocIndicator = defineIndicator({
  name: 'roc',
  description: 'Rate of change in percent',
  category: 'momentum',
  reference: 'TA-Lib ROC',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(10, 'bars back') }),
  outputs: ['roc'],
  warmupBars: ({ period }) => period,
  compute({ source }, { period }) {
    const { length } = source;
    const roc = new Float64Array(length).fill(NaN, 0, period);
    for (let i = period; i < length; i++) {
      const old = source[i - period] as number;
      roc[i] = old === 0 ? 0 : ((source[i] as number) / old - 1) * 100;
    }
    return { roc };
  },
});
