import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { emaIndicator } from './ema';
import type { Indicator } from './indicator';
import { rsiIndicator } from './rsi';
import { smaIndicator } from './sma';
import { wmaIndicator } from './wma';

/** Every indicator, in alphabetical order of names. */
export const INDICATORS: readonly Indicator[] = [emaIndicator, rsiIndicator, smaIndicator, wmaIndicator];

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
