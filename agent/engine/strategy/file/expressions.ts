import { isScalar } from 'yaml';
import { bindCondition, bindNumber } from '#agent/engine/strategy/expression/bind';
import type { BoundCondition, BoundNumber, Scope } from '#agent/engine/strategy/expression/bound';
import { parseExpression } from '#agent/engine/strategy/expression/parser';
import { ExpressionError } from '#agent/engine/strategy/expression/syntax';
import type { Expression } from '#agent/engine/strategy/expression/syntax';
import { describeNode, scalarOffsets, scalarText } from './document';
import type { Document, Field } from './document';

export function readCondition(document: Document, field: Field, scope: Scope): BoundCondition | undefined {
  return readExpression(document, field, (expression) => bindCondition(expression, scope, field.key));
}

export function readDistance(document: Document, field: Field, scope: Scope): BoundNumber | undefined {
  return readExpression(document, field, (expression) => bindNumber(expression, scope, field.key));
}

/** Parses and binds the expression of a field; its mistakes are reported at their place in the file. */
export function readExpression<T>(
  document: Document,
  field: Field,
  bindIt: (expression: Expression) => T,
): T | undefined {
  const { value } = field;
  const at = value?.range[0] ?? field.offset;
  if (!isScalar(value) || value.value === null) {
    const got = value === null ? 'nothing' : describeNode(value);
    document.problems.report(at, `${field.key} needs an expression, got ${got}`, 'such as close > open');
    return undefined;
  }
  try {
    return bindIt(parseExpression(scalarText(value)));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const offset = scalarOffsets(document, value)(error.span.start);
    document.problems.report(offset, error.message, error.hint);
    return undefined;
  }
}
