import { present } from '#agent/kit/assert';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import type { Bound, BoundCondition, BoundNumber, Run, Scope } from './bound';
import { BARS_BACK_MAX, ExpressionError } from './syntax';
import type { Expression, Span } from './syntax';

export function asNumber(bound: Bound, user: string): BoundNumber {
  if (bound.type === 'number') return bound;
  throw new ExpressionError(bound, `${user} needs a number, this is a condition (true or false)`);
}

export function asCondition(bound: Bound, user: string): BoundCondition {
  if (bound.type === 'condition') return bound;
  throw new ExpressionError(
    bound,
    `${user} needs a condition (true or false), this is a number`,
    'compare it with something, such as > 0',
  );
}

/** A number made from others, bar by bar. */
export function joinNumbers(
  span: Span,
  key: string,
  operands: readonly Bound[],
  evaluate: (run: Run) => ReturnType<BoundNumber['evaluate']>,
): BoundNumber {
  return { type: 'number', key, ...joined(span, operands), evaluate };
}

/** A condition made from others; it waits for all of them. */
export function joinConditions(
  span: Span,
  key: string,
  operands: readonly Bound[],
  decide: Pick<BoundCondition, 'surely' | 'surelyNot'>,
): BoundCondition {
  return { type: 'condition', key, ...joined(span, operands), ...decide };
}

/** How many bars: a whole number, written out or by the name of a parameter, never an expression. */
export interface BarCount {
  readonly key: string;
  readonly parameters: ReadonlySet<string>;
  of(parameters: ParameterValues): number;
}

export function bindBarCount(expression: Expression, scope: Scope, minimum: 0 | 1): BarCount {
  const problem = (message: string, hint?: string): ExpressionError =>
    new ExpressionError(expression, message, hint);
  const range = `a whole number of bars from ${minimum} to ${BARS_BACK_MAX}`;
  if (expression.kind === 'negate' && expression.operand.kind === 'number') {
    throw problem(
      `${-expression.operand.value} bars ago would be the future`,
      'count bars back: [1] is the bar before',
    );
  }
  if (expression.kind === 'number') {
    const { value } = expression;
    if (!Number.isInteger(value) || value < minimum || value > BARS_BACK_MAX) {
      throw problem(`expected ${range}, got ${value}`);
    }
    return { key: String(value), parameters: new Set(), of: () => value };
  }
  if (expression.kind !== 'name' || !scope.parameters.has(expression.name)) {
    throw problem(`expected ${range}, or the name of a parameter`);
  }
  const { name } = expression;
  const slot = present(scope.parameters.get(name), name);
  if (slot.type !== 'number') throw problem(`expected ${range}, but parameter '${name}' is a ${slot.type}`);
  slot.use({ whole: true, minimum, maximum: BARS_BACK_MAX });
  return { key: `$${name}`, parameters: new Set([name]), of: (parameters) => parameters[name] as number };
}

export function joined(
  span: Span,
  operands: readonly Bound[],
): Pick<Bound, 'parameters' | 'warmupBars'> & Span {
  return {
    start: span.start,
    end: span.end,
    parameters: new Set(operands.flatMap((operand) => [...operand.parameters])),
    warmupBars: (values) => Math.max(0, ...operands.map((operand) => operand.warmupBars(values))),
  };
}
