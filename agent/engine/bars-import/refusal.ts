import { Fault } from '#agent/kit/error';

/** Makes the Fault for one state of one file: "Cannot import AAPL 1d: <state>". */
export type Refuse = (state: string, hint?: string, details?: Record<string, unknown>) => Fault;

export function refusalOf(symbol: string, timeframe: string): Refuse {
  return (state, hint, details) =>
    new Fault('invalid', `Cannot import ${symbol} ${timeframe}: ${state}`, {
      ...(hint !== undefined && { hint }),
      ...(details !== undefined && { details }),
    });
}

/** Foreign text inside a message: quoted, control characters escaped, and not a page long. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > EXCERPT_CHARACTERS ? `${text.slice(0, EXCERPT_CHARACTERS)}…` : text);
}

const EXCERPT_CHARACTERS = 40;
