import { present } from '#agent/kit/assert';
import { nearest } from '#agent/kit/nearest';
import { PRICE_SOURCES } from '#agent/engine/bars';
import type { PriceSource } from '#agent/engine/bars';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import type { Bound, BoundCondition, BoundNumber, Run, Scope } from './bound';
import { FUNCTIONS, FUNCTION_NAMES } from './functions';
import { asCondition, asNumber, bindBarCount, joinConditions, joined, joinNumbers } from './joins';
import { arithmetic, both, compare, either, numbersAgo, truthsAgo } from './kernels';
import { ExpressionError } from './syntax';
import type { ArithmeticOperator, BinaryExpression, ComparisonOperator, Expression, Span } from './syntax';

export function bindNumber(expression: Expression, scope: Scope, user: string): BoundNumber {
  return asNumber(bind(expression, scope), user);
}

export function bindCondition(expression: Expression, scope: Scope, user: string): BoundCondition {
  return asCondition(bind(expression, scope), user);
}

/** Settles names and types. Throws ExpressionError with the place and the nearest known name. */
export function bind(expression: Expression, scope: Scope): Bound {
  const span = { start: expression.start, end: expression.end };
  switch (expression.kind) {
    case 'number':
      return constant(expression.value, span);
    case 'boolean':
      return truth(expression.value, span);
    case 'name':
      return bindName(expression.name, span, scope);
    case 'output':
      return bindOutput(expression, scope);
    case 'negate': {
      const operand = bindNumber(expression.operand, scope, "'-'");
      return joinNumbers(span, `-${operand.key}`, [operand], (run) =>
        arithmetic('*', operand.evaluate(run), -1),
      );
    }
    case 'not': {
      const operand = bindCondition(expression.operand, scope, "'not'");
      return joinConditions(span, `not ${operand.key}`, [operand], {
        surely: (run) => operand.surelyNot(run),
        surelyNot: (run) => operand.surely(run),
      });
    }
    case 'binary':
      return bindBinary(expression, span, scope);
    case 'ago':
      return bindAgo(expression, span, scope);
    case 'call':
      return bindCall(expression, span, scope);
  }
}

function constant(value: number, span: Span): BoundNumber {
  return joinNumbers(span, String(value), [], () => value);
}

function truth(value: boolean, span: Span): BoundCondition {
  const decide = { surely: () => value, surelyNot: () => !value };
  return joinConditions(span, String(value), [], decide);
}

function bindName(name: string, span: Span, scope: Scope): Bound {
  const parameter = scope.parameters.get(name);
  if (parameter !== undefined) return bindParameter(name, span, scope);
  if (!scope.bars) throw unknownName(name, span, scope);
  if (isPrice(name)) return joinNumbers(span, name, [], ({ bars }) => bars[name]);
  if (!scope.indicators.has(name)) throw unknownName(name, span, scope);
  return indicatorColumn(name, undefined, span, scope);
}

function bindParameter(name: string, span: Span, scope: Scope): Bound {
  const slot = present(scope.parameters.get(name), name);
  if (slot.type === 'string') {
    throw new ExpressionError(
      span,
      `parameter '${name}' is a word, which has no value in an expression`,
      `words choose an indicator: type: $${name}`,
    );
  }
  slot.use();
  const parts = { ...joined(span, []), key: `$${name}`, parameters: new Set([name]) };
  if (slot.type === 'number') {
    return { type: 'number', ...parts, evaluate: ({ parameters }) => parameters[name] as number };
  }
  const surely = ({ parameters }: Run): boolean => parameters[name] === true;
  return { type: 'condition', ...parts, surely, surelyNot: (run) => !surely(run) };
}

function bindOutput(expression: Extract<Expression, { kind: 'output' }>, scope: Scope): Bound {
  const { name, output, outputSpan } = expression;
  const slot = scope.indicators.get(name);
  const nameSpan = { start: expression.start, end: expression.start + name.length };
  if (slot === undefined) {
    const known = isPrice(name) || scope.parameters.has(name);
    throw known
      ? new ExpressionError(outputSpan, `'${name}' has no outputs`, `write ${name} alone`)
      : unknownName(name, nameSpan, scope);
  }
  if (!slot.outputs.includes(output)) {
    const suggestion = nearest(output, slot.outputs);
    const outputs = `its outputs: ${slot.outputs.join(', ')}`;
    throw new ExpressionError(
      outputSpan,
      `indicator '${name}' has no output '${output}'`,
      suggestion === undefined ? outputs : `did you mean '${suggestion}'? ${outputs}`,
    );
  }
  return indicatorColumn(name, output, expression, scope);
}

function indicatorColumn(name: string, output: string | undefined, span: Span, scope: Scope): BoundNumber {
  const slot = present(scope.indicators.get(name), name);
  return {
    type: 'number',
    key: `${slot.key}.${output ?? ''}`,
    start: span.start,
    end: span.end,
    parameters: slot.parameters,
    warmupBars: (parameters) => slot.warmupBars(parameters),
    evaluate: (run) => slot.column(run, output),
  };
}

function bindBinary(expression: BinaryExpression, span: Span, scope: Scope): Bound {
  const { operator } = expression;
  const user = `'${operator}'`;
  if (operator === 'and' || operator === 'or') {
    const left = bindCondition(expression.left, scope, user);
    const right = bindCondition(expression.right, scope, user);
    const [yes, no] = operator === 'and' ? [both, either] : [either, both];
    return joinConditions(span, `(${left.key} ${operator} ${right.key})`, [left, right], {
      surely: (run) => yes(left.surely(run), right.surely(run)),
      surelyNot: (run) => no(left.surelyNot(run), right.surelyNot(run)),
    });
  }
  const left = bindNumber(expression.left, scope, user);
  const right = bindNumber(expression.right, scope, user);
  const key = `(${left.key} ${operator} ${right.key})`;
  if (isArithmetic(operator)) {
    return joinNumbers(span, key, [left, right], (run) =>
      arithmetic(operator, left.evaluate(run), right.evaluate(run)),
    );
  }
  const opposite = OPPOSITES[operator];
  return joinConditions(span, key, [left, right], {
    surely: (run) => compare(operator, left.evaluate(run), right.evaluate(run)),
    surelyNot: (run) => compare(opposite, left.evaluate(run), right.evaluate(run)),
  });
}

const OPPOSITES: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '==': '!=',
  '!=': '==',
};

function isArithmetic(operator: ArithmeticOperator | ComparisonOperator): operator is ArithmeticOperator {
  return operator === '+' || operator === '-' || operator === '*' || operator === '/';
}

function bindAgo(expression: Extract<Expression, { kind: 'ago' }>, span: Span, scope: Scope): Bound {
  const operand = bind(expression.operand, scope);
  const count = bindBarCount(expression.bars, scope, 0);
  const parts = {
    key: `${operand.key}[${count.key}]`,
    start: span.start,
    end: span.end,
    parameters: new Set([...operand.parameters, ...count.parameters]),
    warmupBars: (parameters: ParameterValues) => operand.warmupBars(parameters) + count.of(parameters),
  };
  if (operand.type === 'number') {
    const evaluate = (run: Run) => numbersAgo(operand.evaluate(run), count.of(run.parameters));
    return { type: 'number', ...parts, evaluate };
  }
  return {
    type: 'condition',
    ...parts,
    surely: (run) => truthsAgo(operand.surely(run), count.of(run.parameters), run.bars.length),
    surelyNot: (run) => truthsAgo(operand.surelyNot(run), count.of(run.parameters), run.bars.length),
  };
}

function bindCall(expression: Extract<Expression, { kind: 'call' }>, span: Span, scope: Scope): Bound {
  const { name, nameSpan, arguments: given } = expression;
  const rule = FUNCTIONS.find((candidate) => candidate.name === name);
  if (rule === undefined) {
    const suggestion = nearest(name, FUNCTION_NAMES);
    const known = `functions: ${FUNCTION_NAMES.join(', ')}`;
    throw new ExpressionError(
      nameSpan,
      `there is no function '${name}'`,
      suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
    );
  }
  const [least, most] = rule.arguments;
  if (given.length < least || given.length > most) {
    throw new ExpressionError(
      span,
      `${name}() got ${given.length} argument${given.length === 1 ? '' : 's'}`,
      `write ${rule.usage}`,
    );
  }
  return rule.bind(given, { scope, span, bind: (argument) => bind(argument, scope) });
}

function isPrice(name: string): name is PriceSource {
  return PRICE_SOURCES.some((price) => price === name);
}

function unknownName(name: string, span: Span, scope: Scope): ExpressionError {
  const prices = scope.bars ? [...PRICE_SOURCES] : [];
  const names = [...scope.indicators.keys(), ...scope.parameters.keys(), ...prices];
  const suggestion = nearest(name, names);
  const known = names.length === 0 ? 'no names are known here' : `known names: ${names.join(', ')}`;
  if (FUNCTION_NAMES.includes(name)) {
    const usage = FUNCTIONS.find((rule) => rule.name === name)?.usage;
    return new ExpressionError(span, `'${name}' is a function`, `write ${usage ?? name}`);
  }
  return new ExpressionError(
    span,
    `there is no name '${name}'`,
    suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
  );
}
