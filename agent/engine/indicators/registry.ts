import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { adIndicator } from './ad';
import { adxIndicator } from './adx';
import { aroonIndicator } from './aroon';
import { atrIndicator } from './atr';
import { bollingerbandsIndicator } from './bollingerbands';
import { bollingerbandwidthIndicator } from './bollingerbandwidth';
import { cciIndicator } from './cci';
import { cmfIndicator } from './cmf';
import { distancefrommaIndicator } from './distancefromma';
import { donchianIndicator } from './donchian';
import { emaIndicator } from './ema';
import { fisherIndicator } from './fisher';
import { ichimokuIndicator } from './ichimoku';
import type { Indicator } from './indicator';
import { keltnerIndicator } from './keltner';
import { macdIndicator } from './macd';
import { mfiIndicator } from './mfi';
import { momentumIndicator } from './momentum';
import { obvIndicator } from './obv';
import { parabolicsarIndicator } from './parabolicsar';
import { rocIndicator } from './roc';
import { rsiIndicator } from './rsi';
import { rviIndicator } from './rvi';
import { smaIndicator } from './sma';
import { squeezeintensityIndicator } from './squeezeintensity';
import { stochasticIndicator } from './stochastic';
import { supertrendIndicator } from './supertrend';
import { volumeratioIndicator } from './volumeratio';
import { vwapIndicator } from './vwap';
import { williamsrIndicator } from './williamsr';
import { wmaIndicator } from './wma';
import { zigzagIndicator } from './zigzag';

/** Every indicator, in alphabetical order of names. */
export const INDICATORS: readonly Indicator[] = [
  adIndicator,
  adxIndicator,
  aroonIndicator,
  atrIndicator,
  bollingerbandsIndicator,
  bollingerbandwidthIndicator,
  cciIndicator,
  cmfIndicator,
  distancefrommaIndicator,
  donchianIndicator,
  emaIndicator,
  fisherIndicator,
  ichimokuIndicator,
  keltnerIndicator,
  macdIndicator,
  mfiIndicator,
  momentumIndicator,
  obvIndicator,
  parabolicsarIndicator,
  rocIndicator,
  rsiIndicator,
  rviIndicator,
  smaIndicator,
  squeezeintensityIndicator,
  stochasticIndicator,
  supertrendIndicator,
  volumeratioIndicator,
  vwapIndicator,
  williamsrIndicator,
  wmaIndicator,
  zigzagIndicator,
];

export const INDICATOR_NAMES: readonly string[] = INDICATORS.map(({ name }) => name);

const BY_NAME = new Map(INDICATORS.map((indicator) => [indicator.name, indicator]));

/** Case does not matter, as in KTRDR. Throws Fault `invalid` with the nearest known name. */
export function indicatorNamed(name: string): Indicator {
  const found = BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
  if (found !== undefined) return found;
  const suggestion = nearest(name, INDICATOR_NAMES);
  const known = `known indicators: ${INDICATOR_NAMES.join(', ')}`;
  throw new Fault('invalid', `Cannot find indicator '${name.slice(0, 100)}': there is none of that name`, {
    hint: suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
    details: { indicators: INDICATOR_NAMES },
  });
}
