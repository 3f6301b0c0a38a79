import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';

/** Price − price `period` bars ago. */
export const momentumIndicator = defineIndicator({
  name: 'momentum',
  description: 'Change of price over some bars',
  category: 'momentum',
  reference: 'TA-Lib MOM',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(10, 'bars back') }),
  outputs: ['momentum'],
  warmupBars: ({ period }) => period,
  compute({ source }, { period }) {
    const { length } = source;
    const momentum = new Float64Array(length).fill(NaN, 0, period);
    for (let i = period; i < length; i++)
      momentum[i] = (source[i] as number) - (source[i - period] as number);
    return { momentum };
  },
});
