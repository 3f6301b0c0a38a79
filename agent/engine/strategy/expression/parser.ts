import { present } from '#agent/kit/assert';
import { tokenize } from './lexer';
import type { Token } from './lexer';
import { EXPRESSION_DEPTH_MAX, EXPRESSION_LENGTH_MAX, EXPRESSION_NODES_MAX, ExpressionError } from './syntax';
import type { BinaryOperator, Expression, Span } from './syntax';

/** Binding powers, loosest first; `not` stands between `and` and the comparisons. */
const POWERS: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '==': 4,
  '!=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
};
const NOT_POWER = 3;
const COMPARISON_POWER = 4;
const SIGN_POWER = 7;
const WORDS = new Set(['and', 'or', 'not', 'true', 'false']);

/** Reads an expression (a Pratt parser). Throws ExpressionError with the place of the first mistake. */
export function parseExpression(text: string): Expression {
  if (text.length > EXPRESSION_LENGTH_MAX) {
    throw new ExpressionError(
      { start: 0, end: 1 },
      `the expression has ${text.length} characters, the limit is ${EXPRESSION_LENGTH_MAX}`,
    );
  }
  const cursor = createCursor(tokenize(text));
  const expression = readExpression(cursor, 0, 0);
  const token = cursor.peek();
  if (token.kind === 'end') return expression;
  throw new ExpressionError(token, `expected an operator or the end, got ${describe(token)}`);
}

interface Cursor {
  peek(): Token;
  next(): Token;
  expect(symbol: string, purpose: string): Token;
  /** Counts what has been read. */
  node(made: Expression): Expression;
}

function createCursor(tokens: readonly Token[]): Cursor {
  let position = 0;
  let nodes = 0;
  const end = present(tokens.at(-1), 'the end');
  const peek = (): Token => tokens[position] ?? end;
  const next = (): Token => {
    const token = peek();
    position++;
    return token;
  };
  return {
    peek,
    next,
    expect(symbol, purpose) {
      const token = peek();
      if (token.text === symbol && token.kind === 'symbol') return next();
      throw new ExpressionError(token, `expected '${symbol}' ${purpose}, got ${describe(token)}`);
    },
    node(made) {
      if (++nodes <= EXPRESSION_NODES_MAX) return made;
      throw new ExpressionError(made, `the expression has more than ${EXPRESSION_NODES_MAX} parts`);
    },
  };
}

function readExpression(cursor: Cursor, power: number, depth: number): Expression {
  if (depth > EXPRESSION_DEPTH_MAX) {
    throw new ExpressionError(
      cursor.peek(),
      `the expression is nested more than ${EXPRESSION_DEPTH_MAX} deep`,
    );
  }
  let left = readOperand(cursor, depth);
  for (;;) {
    const operator = binaryOperator(cursor.peek());
    if (operator === undefined || POWERS[operator] <= power) return left;
    cursor.next();
    const right = readExpression(cursor, POWERS[operator], depth + 1);
    left = cursor.node({ kind: 'binary', operator, left, right, start: left.start, end: right.end });
    refuseChain(operator, cursor.peek());
  }
}

function readOperand(cursor: Cursor, depth: number): Expression {
  const token = cursor.next();
  if (token.kind === 'number') {
    const value = Number(token.text);
    if (!Number.isFinite(value)) throw new ExpressionError(token, `${token.text} is too large a number`);
    return readAgo(cursor, cursor.node({ kind: 'number', value, ...spanOf(token) }), depth);
  }
  if (token.text === '-' || token.text === 'not') {
    const kind = token.text === 'not' ? 'not' : 'negate';
    const operand = readExpression(cursor, kind === 'not' ? NOT_POWER : SIGN_POWER, depth + 1);
    return cursor.node({ kind, operand, start: token.start, end: operand.end });
  }
  if (token.text === '(') {
    const inner = readExpression(cursor, 0, depth + 1);
    const close = cursor.expect(')', "to close '('");
    return readAgo(cursor, { ...inner, start: token.start, end: close.end }, depth);
  }
  if (token.text === 'true' || token.text === 'false') {
    return cursor.node({ kind: 'boolean', value: token.text === 'true', ...spanOf(token) });
  }
  if (token.kind !== 'name' || WORDS.has(token.text)) {
    throw new ExpressionError(token, `expected a value, got ${describe(token)}`);
  }
  return readAgo(cursor, readNamed(cursor, token, depth), depth);
}

/** A name, the output of one, or a call. */
function readNamed(cursor: Cursor, token: Token, depth: number): Expression {
  const { text: name } = token;
  if (cursor.peek().text === '(') return readCall(cursor, token, depth);
  if (cursor.peek().text !== '.') return cursor.node({ kind: 'name', name, ...spanOf(token) });
  cursor.next();
  const output = cursor.next();
  if (output.kind !== 'name') {
    throw new ExpressionError(output, `expected an output after '${name}.', got ${describe(output)}`);
  }
  const outputSpan = spanOf(output);
  const span = { start: token.start, end: output.end };
  return cursor.node({ kind: 'output', name, output: output.text, outputSpan, ...span });
}

function readCall(cursor: Cursor, token: Token, depth: number): Expression {
  cursor.next();
  const values: Expression[] = [];
  while (cursor.peek().text !== ')') {
    if (values.length > 0) cursor.expect(',', `or ')' after an argument of ${token.text}()`);
    values.push(readExpression(cursor, 0, depth + 1));
  }
  const span = { start: token.start, end: cursor.next().end };
  return cursor.node({
    kind: 'call',
    name: token.text,
    nameSpan: spanOf(token),
    arguments: values,
    ...span,
  });
}

/** Any number of `[bars]` after a value. */
function readAgo(cursor: Cursor, inner: Expression, depth: number): Expression {
  let result = inner;
  while (cursor.peek().text === '[') {
    cursor.next();
    const bars = readExpression(cursor, 0, depth + 1);
    const { end } = cursor.expect(']', "to close '['");
    result = cursor.node({ kind: 'ago', operand: result, bars, start: result.start, end });
  }
  return result;
}

function binaryOperator(token: Token): BinaryOperator | undefined {
  return token.kind !== 'number' && Object.hasOwn(POWERS, token.text)
    ? (token.text as BinaryOperator)
    : undefined;
}

/** `a < b < c` would compare a truth with a number. */
function refuseChain(operator: BinaryOperator, after: Token): void {
  const following = binaryOperator(after);
  if (POWERS[operator] !== COMPARISON_POWER || following === undefined) return;
  if (POWERS[following] !== COMPARISON_POWER) return;
  throw new ExpressionError(
    after,
    `a comparison cannot be compared with '${after.text}'`,
    "join two comparisons with 'and', or write between(x, low, high)",
  );
}

function describe(token: Token): string {
  return token.kind === 'end' ? 'the end of the expression' : `'${token.text}'`;
}

function spanOf({ start, end }: Span): Span {
  return { start, end };
}
