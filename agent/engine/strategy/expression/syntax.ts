/** Where something stands in the text of an expression, as offsets; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '==' | '!=';
export type ArithmeticOperator = '+' | '-' | '*' | '/';
export type LogicalOperator = 'and' | 'or';
export type BinaryOperator = ComparisonOperator | ArithmeticOperator | LogicalOperator;

/** What a rule, a constraint or a distance says, before anyone knows what its names mean. */
export type Expression = Span &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'output'; readonly name: string; readonly output: string; readonly outputSpan: Span }
    | { readonly kind: 'negate' | 'not'; readonly operand: Expression }
    | BinaryExpression
    | CallExpression
    /** The value of `operand` so many bars ago. */
    | { readonly kind: 'ago'; readonly operand: Expression; readonly bars: Expression }
  );

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export interface CallExpression {
  readonly kind: 'call';
  readonly name: string;
  readonly nameSpan: Span;
  readonly arguments: readonly Expression[];
}

export const EXPRESSION_LENGTH_MAX = 2000;
export const EXPRESSION_NODES_MAX = 500;
export const EXPRESSION_DEPTH_MAX = 50;
/** How far back an expression may look at once, in bars. */
export const BARS_BACK_MAX = 10_000;

/** What is wrong with an expression, and where; whoever knows the file makes a Fault of it. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly span: Span;
  readonly hint: string | undefined;

  constructor(span: Span, message: string, hint?: string) {
    super(message);
    this.span = { start: span.start, end: span.end };
    this.hint = hint;
  }
}
