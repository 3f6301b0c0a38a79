import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { rsiReversion } from './rsi-reversion';
import { smaCross } from './sma-cross';
import type { Strategy } from './strategy';

/** Every built-in strategy, in alphabetical order of names. */
export const STRATEGIES: readonly Strategy[] = [rsiReversion, smaCross];

/** Throws Fault `invalid` with the nearest known name. */
export function strategyNamed(name: string): Strategy {
  const found = STRATEGIES.find((strategy) => strategy.name === name);
  if (found !== undefined) return found;
  const names = STRATEGIES.map((strategy) => strategy.name);
  const suggestion = nearest(name, names);
  const known = `known strategies: ${names.join(', ')}`;
  throw new Fault('invalid', `Cannot find strategy '${name.slice(0, 100)}': there is none of that name`, {
    hint: suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
    details: { strategies: names },
  });
}
