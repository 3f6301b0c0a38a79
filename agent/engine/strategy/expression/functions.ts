import { present } from '#agent/kit/assert';
import type { Indicator } from '#agent/engine/indicators/indicator';
import { z } from 'zod';
import { asCondition, asNumber, bindBarCount, joinConditions, joinNumbers } from './joins';
import type { BarCount } from './joins';
import type { Bound, BoundNumber, Run, Scope } from './bound';
import { combine, map } from './kernels';
import type { Numbers } from './kernels';
import type { BinaryOperator, Expression, Span } from './syntax';
import { crosses, extreme, steps } from './windows';

/** A function of the expression language. */
export interface ExpressionFunction {
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  /** How many arguments it takes, at least and at most. */
  readonly arguments: readonly [least: number, most: number];
  bind(given: readonly Expression[], place: Place): Bound;
}

interface Place {
  readonly scope: Scope;
  readonly span: Span;
  bind(this: void, argument: Expression): Bound;
}

/** Every function, in alphabetical order of names. */
export const FUNCTIONS: readonly ExpressionFunction[] = [
  ofOneNumber('abs', 'the value without its sign', Math.abs),
  {
    name: 'between',
    usage: 'between(x, low, high)',
    description: 'true where low <= x and x <= high',
    arguments: [3, 3],
    bind: ([x, low, high], { span, bind }) => {
      const compared = (operator: BinaryOperator, left?: Expression, right?: Expression): Expression => ({
        kind: 'binary',
        operator,
        left: present(left, 'left'),
        right: present(right, 'right'),
        ...span,
      });
      const inside = compared('and', compared('>=', x, low), compared('<=', x, high));
      return asCondition(bind(inside), 'between()');
    },
  },
  {
    name: 'change',
    usage: 'change(x, bars)',
    description: 'x − x[bars]; one bar where no number is given',
    arguments: [1, 2],
    bind: (given, { span, bind }) => {
      const x = present(given[0], 'x');
      const bars = given[1] ?? { kind: 'number', value: 1, ...span };
      const before: Expression = { kind: 'ago', operand: x, bars, ...span };
      return asNumber(bind({ kind: 'binary', operator: '-', left: x, right: before, ...span }), 'change()');
    },
  },
  crossing('crosses_above', 'true where a is above b and was not at the bar before'),
  crossing('crosses_below', 'true where a is below b and was not at the bar before'),
  stepping('falling', 'true where x fell at each of the last bars; one bar where no number is given'),
  extremeOf('highest', 'the highest x of the last bars, this one included'),
  ofOneNumber('log', 'the natural logarithm; no value at or below 0', (value) =>
    value > 0 ? Math.log(value) : NaN,
  ),
  extremeOf('lowest', 'the lowest x of the last bars, this one included'),
  ofManyNumbers('max', 'the largest of two to eight values', Math.max),
  ofManyNumbers('min', 'the smallest of two to eight values', Math.min),
  stepping('rising', 'true where x rose at each of the last bars; one bar where no number is given'),
  ofOneNumber('sqrt', 'the square root; no value below 0', Math.sqrt),
];

export const FUNCTION_NAMES: readonly string[] = FUNCTIONS.map(({ name }) => name);

function ofOneNumber(
  name: string,
  description: string,
  change: (value: number) => number,
): ExpressionFunction {
  return {
    name,
    usage: `${name}(x)`,
    description,
    arguments: [1, 1],
    bind: ([first], { span, bind }) => {
      const x = asNumber(bind(present(first, 'x')), `${name}()`);
      return joinNumbers(span, `${name}(${x.key})`, [x], (run) => map(x.evaluate(run), change));
    },
  };
}

function ofManyNumbers(
  name: string,
  description: string,
  merge: (a: number, b: number) => number,
): ExpressionFunction {
  return {
    name,
    usage: `${name}(a, b)`,
    description,
    arguments: [2, 8],
    bind: (given, { span, bind }) => {
      const values = given.map((value) => asNumber(bind(value), `${name}()`));
      const key = `${name}(${values.map((value) => value.key).join(', ')})`;
      return joinNumbers(span, key, values, (run) =>
        values.map((value) => value.evaluate(run)).reduce((a, b) => combine(a, b, merge)),
      );
    },
  };
}

function crossing(name: 'crosses_above' | 'crosses_below', description: string): ExpressionFunction {
  return {
    name,
    usage: `${name}(a, b)`,
    description,
    arguments: [2, 2],
    bind: ([first, second], { span, bind }) => {
      const a = asNumber(bind(present(first, 'a')), `${name}()`);
      const b = asNumber(bind(present(second, 'b')), `${name}()`);
      const [upper, lower] = name === 'crosses_above' ? [a, b] : [b, a];
      const key = `crosses(${upper.key}, ${lower.key})`;
      const decide = (run: Run, wanted: boolean) => crosses(upper.evaluate(run), lower.evaluate(run), wanted);
      const bound = joinConditions(span, key, [a, b], {
        surely: (run) => decide(run, true),
        surelyNot: (run) => decide(run, false),
      });
      return { ...bound, warmupBars: (parameters) => bound.warmupBars(parameters) + 1 };
    },
  };
}

function stepping(name: 'falling' | 'rising', description: string): ExpressionFunction {
  return {
    name,
    usage: `${name}(x, bars)`,
    description,
    arguments: [1, 2],
    bind: (given, place) => {
      const { x, bars } = windowOf(name, given, place);
      const up = name === 'rising';
      const decide = (run: Run, wanted: boolean) =>
        steps(x.evaluate(run), { bars: bars.of(run.parameters), up, wanted });
      const bound = joinConditions(place.span, `${name}(${x.key}, ${bars.key})`, [x], {
        surely: (run) => decide(run, true),
        surelyNot: (run) => decide(run, false),
      });
      return {
        ...bound,
        parameters: new Set([...x.parameters, ...bars.parameters]),
        warmupBars: (parameters) => x.warmupBars(parameters) + bars.of(parameters),
      };
    },
  };
}

/** Costs as much as an indicator, and like one it is kept from unit to unit of a sweep. */
function extremeOf(name: 'highest' | 'lowest', description: string): ExpressionFunction {
  return {
    name,
    usage: `${name}(x, bars)`,
    description,
    arguments: [2, 2],
    bind: (given, place) => {
      const { x, bars } = windowOf(name, given, place);
      const key = `${name}(${x.key}, ${bars.key})`;
      const parameters = new Set([...x.parameters, ...bars.parameters]);
      return {
        ...joinNumbers(place.span, key, [x], (run) =>
          cached(run, { key, parameters }, () => extreme(x.evaluate(run), bars.of(run.parameters), name)),
        ),
        parameters,
        warmupBars: (values) => x.warmupBars(values) + bars.of(values) - 1,
      };
    },
  };
}

function windowOf(
  name: string,
  [first, second]: readonly Expression[],
  { scope, span, bind }: Place,
): { x: BoundNumber; bars: BarCount } {
  const x = asNumber(bind(present(first, 'x')), `${name}()`);
  return { x, bars: bindBarCount(second ?? { kind: 'number', value: 1, ...span }, scope, 1) };
}

/**
 * Keeps what a definition made of the bars and of the parameters that it names. The cache writes to
 * columns that it has let go of: what is kept is a copy wherever it could be the column of another.
 */
export function cached(
  run: Run,
  definition: { key: string; parameters: ReadonlySet<string> },
  compute: () => Numbers,
): Float64Array {
  const used = [...definition.parameters].map((name) => [name, run.parameters[name]] as const);
  const indicator: Indicator = {
    ...OF_ALL_PRICES,
    name: `= ${definition.key}`,
    compute: () => ({ value: ownColumn(compute(), run.bars.length) }),
  };
  const { value } = run.cache.outputs(run.bars, { indicator, parameters: Object.fromEntries(used) });
  return present(value, definition.key);
}

const OF_ALL_PRICES: Omit<Indicator, 'name' | 'compute'> = {
  description: 'an expression of a strategy file',
  category: 'trend',
  reference: 'the file',
  inputs: ['open', 'high', 'low', 'close', 'volume'],
  parameters: z.strictObject({}),
  outputs: ['value'],
  warmupBars: () => 0,
};

function ownColumn(values: Numbers, length: number): Float64Array {
  return typeof values === 'number' ? asColumn(values, length) : values.slice();
}

export function asColumn(values: Numbers, length: number): Float64Array {
  return typeof values === 'number' ? new Float64Array(length).fill(values) : values;
}
