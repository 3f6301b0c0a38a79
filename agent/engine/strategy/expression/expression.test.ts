import { describe, expect, test } from 'bun:test';
import { assert } from '#agent/kit/assert';
import { seededRng } from '#agent/kit/rng';
import type { Rng } from '#agent/kit/rng';
import { createBars } from '#agent/engine/bars';
import type { Bars, PriceSource } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { bind } from './bind';
import type { Scope } from './bound';
import { parseExpression } from './parser';
import { EXPRESSION_LENGTH_MAX, ExpressionError } from './syntax';
import type { Expression } from './syntax';

const scope: Scope = {
  parameters: new Map([
    ['n', { type: 'number', use: () => undefined }],
    ['on', { type: 'boolean', use: () => undefined }],
  ]),
  indicators: new Map(),
  bars: true,
};
const parameters = { n: 3, on: true };

/** Small whole numbers, so that ties are common; some closes are missing. */
function gappyBars(rng: Rng, length: number): Bars {
  const column = (missing: number): Float64Array =>
    Float64Array.from({ length }, () => (rng.next() < missing ? NaN : rng.below(7) - 1));
  const time = BigInt64Array.from({ length }, (_, i) => BigInt(i) * 86_400_000_000n);
  const [open, high, low, close, volume] = [column(0), column(0), column(0), column(0.1), column(0.02)];
  return createBars('GAPS', '1d', { time, open, high, low, close, volume });
}

/** A number, a truth, or undefined where a condition is unknown: bar by bar, straight from the meaning. */
type Value = number | boolean | undefined;

function valueAt(expression: Expression, bars: Bars, t: number): Value {
  const number = (inner: Expression | undefined, bar = t): number => {
    const value = bar < 0 || inner === undefined ? NaN : valueAt(inner, bars, bar);
    return typeof value === 'number' ? value : NaN;
  };
  switch (expression.kind) {
    case 'number':
    case 'boolean':
      return expression.value;
    case 'name': {
      const { name } = expression;
      if (name === 'n' || name === 'on') return parameters[name];
      return bars[name as PriceSource][t];
    }
    case 'output':
      return undefined;
    case 'negate':
      return -number(expression.operand);
    case 'not': {
      const value = valueAt(expression.operand, bars, t);
      return value === undefined ? undefined : !value;
    }
    case 'ago': {
      const bar = t - number(expression.bars);
      if (bar >= 0) return valueAt(expression.operand, bars, bar);
      return bind(expression.operand, scope).type === 'number' ? NaN : undefined;
    }
    case 'binary': {
      const { operator, left, right } = expression;
      if (operator === 'and' || operator === 'or') {
        const values = [valueAt(left, bars, t), valueAt(right, bars, t)];
        const decisive = operator === 'or';
        if (values.includes(decisive)) return decisive;
        return values.includes(undefined) ? undefined : !decisive;
      }
      return ofNumbers(operator, number(left), number(right));
    }
    case 'call':
      return callAt(expression, t, number);
  }
}

function ofNumbers(operator: string, a: number, b: number): Value {
  if (operator === '+') return a + b;
  if (operator === '-') return a - b;
  if (operator === '*') return a * b;
  if (operator === '/') return b === 0 ? NaN : a / b;
  if (Number.isNaN(a) || Number.isNaN(b)) return undefined;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  if (operator === '>') return a > b;
  if (operator === '>=') return a >= b;
  return operator === '==' ? a === b : a !== b;
}

type NumberAt = (inner: Expression | undefined, bar?: number) => number;

function callAt(expression: Extract<Expression, { kind: 'call' }>, t: number, number: NumberAt): Value {
  const { name } = expression;
  const [x, y, z] = expression.arguments;
  const count = y === undefined ? 1 : number(y, 0);
  const last = (bars: number): number[] => Array.from({ length: bars }, (_, i) => number(x, t - i));
  const crossed = (a: Expression | undefined, b: Expression | undefined): Value => {
    const four = [number(a), number(b), number(a, t - 1), number(b, t - 1)] as const;
    return four.some(Number.isNaN) ? undefined : four[0] > four[1] && four[2] <= four[3];
  };
  const stepped = (sign: number): Value => {
    const values = last(count + 1);
    if (values.some(Number.isNaN)) return undefined;
    return values.slice(0, -1).every((value, i) => sign * (value - (values[i + 1] ?? NaN)) > 0);
  };
  switch (name) {
    case 'abs':
      return Math.abs(number(x));
    case 'sqrt':
      return Math.sqrt(number(x));
    case 'log':
      return number(x) > 0 ? Math.log(number(x)) : NaN;
    case 'min':
      return Math.min(number(x), number(y));
    case 'max':
      return Math.max(number(x), number(y));
    case 'highest':
      return Math.max(...last(count));
    case 'lowest':
      return Math.min(...last(count));
    case 'change':
      return number(x) - number(x, t - count);
    case 'rising':
      return stepped(1);
    case 'falling':
      return stepped(-1);
    case 'crosses_above':
      return crossed(x, y);
    case 'crosses_below':
      return crossed(y, x);
    default: {
      assert(name === 'between', `the reference knows ${name}`);
      const sides = [ofNumbers('>=', number(x), number(y)), ofNumbers('<=', number(x), number(z))];
      if (sides.includes(false)) return false;
      return sides.includes(undefined) ? undefined : true;
    }
  }
}

function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)] as T;
}

function randomNumber(rng: Rng, depth: number): string {
  if (depth <= 0) return pick(rng, ['open', 'high', 'low', 'close', 'volume', '0', '2', 'n', '1.5']);
  const x = (): string => randomNumber(rng, depth - 1);
  const bars = pick(rng, ['1', '2', '5', 'n']);
  return pick(rng, [
    () => `(${x()} ${pick(rng, ['+', '-', '*', '/'])} ${x()})`,
    () => `-${x()}`,
    () => `(${x()})[${pick(rng, ['0', '1', '4', 'n'])}]`,
    () => `${pick(rng, ['abs', 'sqrt', 'log'])}(${x()})`,
    () => `${pick(rng, ['min', 'max'])}(${x()}, ${x()})`,
    () => `${pick(rng, ['highest', 'lowest', 'change'])}(${x()}, ${bars})`,
  ])();
}

function randomCondition(rng: Rng, depth: number): string {
  const x = (): string => randomNumber(rng, depth - 1);
  const c = (): string => randomCondition(rng, depth - 1);
  const comparison = (): string => `${x()} ${pick(rng, ['<', '<=', '>', '>=', '==', '!='])} ${x()}`;
  if (depth <= 0) return comparison();
  return pick(rng, [
    comparison,
    () => `(${c()} ${pick(rng, ['and', 'or'])} ${c()})`,
    () => `not (${c()})`,
    () => `(${c()})[${pick(rng, ['1', 'n'])}]`,
    () => `${pick(rng, ['rising', 'falling'])}(${x()}, ${pick(rng, ['1', '2', 'n'])})`,
    () => `${pick(rng, ['crosses_above', 'crosses_below'])}(${x()}, ${x()})`,
    () => `between(${x()}, ${x()}, ${x()})`,
  ])();
}

test('columns say at every bar what 2,000 random expressions mean there', () => {
  const rng = seededRng(2026);
  const bars = gappyBars(rng, 40);
  let known = 0;
  let unknown = 0;
  for (let round = 0; round < 2000; round++) {
    const text = round % 2 === 0 ? randomCondition(rng, 3) : randomNumber(rng, 3);
    const expression = parseExpression(text);
    const bound = bind(expression, scope);
    if (hasConstantPart(expression)) continue;
    const run = { bars, parameters, cache: createIndicatorCache() };
    const wanted = Array.from({ length: bars.length }, (_, t) => valueAt(expression, bars, t));
    if (bound.type === 'number') {
      const values = bound.evaluate(run);
      // Zeros have a sign that no comparison sees.
      const told = wanted.map((_, t) => ((typeof values === 'number' ? values : values[t]) ?? NaN) + 0);
      expect([text, told]).toEqual([text, wanted.map((value) => Number(value) + 0)]);
      continue;
    }
    const [yes, no] = [bound.surely(run), bound.surelyNot(run)];
    const at = (column: boolean | Uint8Array, t: number): boolean =>
      typeof column === 'boolean' ? column : column[t] === 1;
    const told: Value[] = wanted.map((_, t) => (at(yes, t) ? true : at(no, t) ? false : undefined));
    expect([text, told]).toEqual([text, wanted]);
    for (const value of told)
      if (value === undefined) unknown++;
      else known++;
  }
  expect(known).toBeGreaterThan(5000);
  expect(unknown).toBeGreaterThan(1000);
});

/** What never moves is known from the first bar on, also so many bars ago; the reference knows no such thing. */
function hasConstantPart(expression: Expression): boolean {
  const parts = valuesOf(expression);
  return parts.length > 0 && (!reads(expression) || parts.some(hasConstantPart));
}

function valuesOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'negate':
    case 'not':
    case 'ago':
      return [expression.operand];
    case 'binary':
      return [expression.left, expression.right];
    case 'call': {
      const counts = ['rising', 'falling', 'highest', 'lowest', 'change'].includes(expression.name);
      return counts ? expression.arguments.slice(0, 1) : expression.arguments;
    }
    default:
      return [];
  }
}

/** Whether a value depends on the bars. */
function reads(expression: Expression): boolean {
  if (expression.kind === 'name') return expression.name !== 'n';
  return valuesOf(expression).some(reads);
}

describe('the warm-up of an expression', () => {
  test.each([
    ['close > open', 0],
    ['close[3] > open', 3],
    ['highest(close, 5)[2] > 1', 6],
    ['rising(close, 4) and close > 1', 4],
    ['crosses_above(close[1], open)', 2],
    ['change(close, n) > 0', 3],
  ])('%s waits for %d bars', (text, bars) => {
    expect(bind(parseExpression(text), scope).warmupBars(parameters)).toBe(bars);
  });
});

describe('precedence', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['8 - 3 - 2', 3],
    ['-2 * 3', -6],
    ['2 - -3', 5],
    ['8 / 2 / 2', 2],
    ['1 / 0', NaN],
    ['.5 + 1e1', 10.5],
  ])('%s is %d', (text, value) => {
    const bound = bind(parseExpression(text), scope);
    assert(bound.type === 'number', text);
    expect(
      bound.evaluate({ bars: gappyBars(seededRng(1), 1), parameters, cache: createIndicatorCache() }),
    ).toBe(value);
  });

  test.each([
    ['not on and true', false],
    ['not (on and false)', true],
    ['true or true and false', true],
    ['not 1 > 2', true],
    ['1 + 1 == 2', true],
  ])('%s is %s', (text, value) => {
    const bound = bind(parseExpression(text), scope);
    assert(bound.type === 'condition', text);
    const run = { bars: gappyBars(seededRng(1), 1), parameters, cache: createIndicatorCache() };
    expect([bound.surely(run), bound.surelyNot(run)]).toEqual([value, !value]);
  });
});

describe('what is refused', () => {
  const refused: Array<[text: string, start: number, message: string]> = [
    ['', 0, 'expected a value, got the end'],
    ['close >', 7, 'expected a value, got the end'],
    ['close close', 6, "expected an operator or the end, got 'close'"],
    ['close > "x"', 8, 'has no meaning in an expression'],
    ['close.high > 1', 6, "'close' has no outputs"],
    ['highest', 0, "'highest' is a function"],
    ['close[1.5] > 1', 6, 'expected a whole number of bars from 0 to 10000'],
    ['close[10001] > 1', 6, 'expected a whole number of bars from 0 to 10000'],
    ['close[open] > 1', 6, 'or the name of a parameter'],
    ['highest(close, 0) > 1', 15, 'from 1 to 10000'],
    ['on + 1', 0, "'+' needs a number"],
    ['not close', 4, "'not' needs a condition"],
    ['constructor', 0, "there is no name 'constructor'"],
    ['__proto__ > 1', 0, "there is no name '__proto__'"],
    ['toString()', 0, "there is no function 'toString'"],
    ['1e999 > 1', 0, 'too large a number'],
    [`${'('.repeat(60)}1${')'.repeat(60)}`, 51, 'nested more than 50 deep'],
    [Array.from({ length: 300 }, () => 'n').join('+'), 0, 'more than 500 parts'],
    ['1'.repeat(EXPRESSION_LENGTH_MAX + 1), 0, 'the limit is 2000'],
  ];
  const named = refused.map(([text, ...rest]) => [text.slice(0, 20), text, ...rest] as const);
  test.each(named)('%p', (_, text, start, message) => {
    try {
      bind(parseExpression(text), scope);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      expect(error.message).toContain(message);
      expect(error.span.start).toBe(start);
      return;
    }
    throw new Error('it was read');
  });
});
