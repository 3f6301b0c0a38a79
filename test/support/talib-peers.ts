import { assert, present } from '#agent/kit/assert';
import type { BarColumns } from '#agent/engine/bars';
import type { Talib } from './talib';

type Values = Readonly<Record<string, number>>;
type Column = 'open' | 'high' | 'low' | 'close' | 'volume';

/** A function of TA-Lib with the names of our parameters and outputs. */
interface TalibFunction {
  name: string;
  inputs: readonly Column[];
  options: (parameters: Values) => number[];
  outputs: readonly string[];
}

const period = ({ period: bars }: Values): number[] => [present(bars, 'period')];
const ofClose = (name: string, output: string): TalibFunction[] => [
  { name, inputs: ['close'], options: period, outputs: [output] },
];
const ofRange = (name: string, output: string): TalibFunction => ({
  name,
  inputs: ['high', 'low', 'close'],
  options: period,
  outputs: [output],
});
/** The kind of a moving average in TA-Lib's options: simple. */
const SIMPLE = 0;

/** What TA-Lib has of our indicators; some of ours are several functions there. */
export const TALIB_PEERS: Readonly<Record<string, readonly TalibFunction[]>> = {
  ad: [{ name: 'AD', inputs: ['high', 'low', 'close', 'volume'], options: () => [], outputs: ['ad'] }],
  adx: [ofRange('ADX', 'adx'), ofRange('PLUS_DI', 'plus_di'), ofRange('MINUS_DI', 'minus_di')],
  aroon: [
    { name: 'AROON', inputs: ['high', 'low'], options: period, outputs: ['down', 'up'] },
    { name: 'AROONOSC', inputs: ['high', 'low'], options: period, outputs: ['oscillator'] },
  ],
  atr: [ofRange('ATR', 'atr')],
  bollingerbands: [
    {
      name: 'BBANDS',
      inputs: ['close'],
      options: ({ period: bars = 0, multiplier = 0 }) => [bars, multiplier, multiplier, SIMPLE],
      outputs: ['upper', 'middle', 'lower'],
    },
  ],
  cci: [ofRange('CCI', 'cci')],
  ema: ofClose('EMA', 'ema'),
  macd: [
    {
      name: 'MACD',
      inputs: ['close'],
      options: ({ fast_period = 0, slow_period = 0, signal_period = 0 }) => [
        fast_period,
        slow_period,
        signal_period,
      ],
      outputs: ['line', 'signal', 'histogram'],
    },
  ],
  mfi: [{ name: 'MFI', inputs: ['high', 'low', 'close', 'volume'], options: period, outputs: ['mfi'] }],
  momentum: ofClose('MOM', 'momentum'),
  obv: [{ name: 'OBV', inputs: ['close', 'volume'], options: () => [], outputs: ['obv'] }],
  parabolicsar: [
    {
      name: 'SAR',
      inputs: ['high', 'low'],
      options: ({ step_af = 0, max_af = 0 }) => [step_af, max_af],
      outputs: ['parabolicsar'],
    },
  ],
  roc: ofClose('ROC', 'roc'),
  rsi: ofClose('RSI', 'rsi'),
  sma: ofClose('SMA', 'sma'),
  stochastic: [
    {
      name: 'STOCH',
      inputs: ['high', 'low', 'close'],
      options: ({ k_period = 0, d_period = 0, smooth_k = 0 }) => [
        k_period,
        smooth_k,
        SIMPLE,
        d_period,
        SIMPLE,
      ],
      outputs: ['k', 'd'],
    },
  ],
  williamsr: [ofRange('WILLR', 'williamsr')],
  wma: ofClose('WMA', 'wma'),
};

/** All outputs of an indicator as TA-Lib computes them. */
export function talibOutputs(
  talib: Talib,
  indicator: string,
  { columns, parameters }: { columns: BarColumns; parameters: Readonly<Record<string, unknown>> },
): Record<string, Float64Array> {
  const functions = present(TALIB_PEERS[indicator], `${indicator} of TA-Lib`);
  const results: Record<string, Float64Array> = {};
  for (const { name, inputs, options, outputs } of functions) {
    const given = options(parameters as Values);
    const columnsGiven = inputs.map((input) => columns[input]);
    const made = talib.call({ name, inputs: columnsGiven, options: given, outputs: outputs.length });
    for (const [index, output] of outputs.entries()) results[output] = present(made[index], output);
  }
  assert(Object.keys(results).length > 0, `TA-Lib gives nothing for ${indicator}`);
  return results;
}
