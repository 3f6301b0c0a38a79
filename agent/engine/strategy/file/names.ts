import { PRICE_SOURCES } from '#agent/engine/bars';
import { FUNCTION_NAMES } from '#agent/engine/strategy/expression/functions';
import type { Document, Field } from './document';

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const TAKEN = new Set<string>([...PRICE_SOURCES, ...FUNCTION_NAMES, 'and', 'or', 'not', 'true', 'false']);

/** Whether expressions can tell the name from everything else; reports it where they cannot. */
export function isUsableName({ problems }: Document, { key, offset }: Field, what: string): boolean {
  const shown = key.slice(0, 100);
  if (!NAME.test(key)) {
    const hint = 'letters, digits and _, at most 64, not beginning with a digit';
    problems.report(offset, `'${shown}' cannot be the name of an ${what}`.replace('an p', 'a p'), hint);
    return false;
  }
  if (!TAKEN.has(key)) return true;
  problems.report(offset, `the name '${shown}' means something in expressions`, `such as my_${key}`);
  return false;
}
