import type { ArithmeticOperator, ComparisonOperator } from './syntax';

/** A value that is the same at every bar, or a column of one per bar. Nobody writes to a column. */
export type Numbers = number | Float64Array;
export type Truths = boolean | Uint8Array;

/** Element by element; x / 0 is NaN, which no rule calls true. */
export function arithmetic(operator: ArithmeticOperator, left: Numbers, right: Numbers): Numbers {
  if (typeof left === 'number') {
    if (typeof right === 'number') return ofScalars(operator, left, right);
    return ofScalarAndColumn(operator, left, right);
  }
  if (typeof right === 'number') return ofColumnAndScalar(operator, left, right);
  return ofColumns(operator, left, right);
}

function ofScalars(operator: ArithmeticOperator, left: number, right: number): number {
  if (operator === '+') return left + right;
  if (operator === '-') return left - right;
  if (operator === '*') return left * right;
  return right === 0 ? NaN : left / right;
}

function ofColumns(operator: ArithmeticOperator, left: Float64Array, right: Float64Array): Float64Array {
  const { length } = left;
  const out = new Float64Array(length);
  switch (operator) {
    case '+':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) + (right[i] as number);
      return out;
    case '-':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) - (right[i] as number);
      return out;
    case '*':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) * (right[i] as number);
      return out;
    case '/':
      for (let i = 0; i < length; i++) {
        const divisor = right[i] as number;
        out[i] = divisor === 0 ? NaN : (left[i] as number) / divisor;
      }
      return out;
  }
}

function ofColumnAndScalar(operator: ArithmeticOperator, left: Float64Array, right: number): Float64Array {
  const { length } = left;
  const out = new Float64Array(length);
  if (operator === '*') {
    for (let i = 0; i < length; i++) out[i] = (left[i] as number) * right;
  } else if (operator === '/') {
    if (right === 0) return out.fill(NaN);
    for (let i = 0; i < length; i++) out[i] = (left[i] as number) / right;
  } else {
    const added = operator === '+' ? right : -right;
    for (let i = 0; i < length; i++) out[i] = (left[i] as number) + added;
  }
  return out;
}

function ofScalarAndColumn(operator: ArithmeticOperator, left: number, right: Float64Array): Float64Array {
  const { length } = right;
  if (operator === '+' || operator === '*') return ofColumnAndScalar(operator, right, left);
  const out = new Float64Array(length);
  if (operator === '-') {
    for (let i = 0; i < length; i++) out[i] = left - (right[i] as number);
    return out;
  }
  for (let i = 0; i < length; i++) {
    const divisor = right[i] as number;
    out[i] = divisor === 0 ? NaN : left / divisor;
  }
  return out;
}

const SWAPPED = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==', '!=': '!=' } as const;

/** False wherever an operand is NaN, `!=` included. */
export function compare(operator: ComparisonOperator, left: Numbers, right: Numbers): Truths {
  if (typeof left === 'number') {
    if (typeof right === 'number') return compareScalars(operator, left, right);
    return compareWithScalar(SWAPPED[operator], right, left);
  }
  if (typeof right === 'number') return compareWithScalar(operator, left, right);
  return operator === '<' || operator === '<='
    ? compareColumns(SWAPPED[operator], right, left)
    : compareColumns(operator, left, right);
}

function compareScalars(operator: ComparisonOperator, left: number, right: number): boolean {
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  if (operator === '>') return left > right;
  if (operator === '>=') return left >= right;
  if (operator === '==') return left === right;
  return left !== right && !Number.isNaN(left) && !Number.isNaN(right);
}

function compareColumns(
  operator: Exclude<ComparisonOperator, '<' | '<='>,
  left: Float64Array,
  right: Float64Array,
): Uint8Array {
  const { length } = left;
  const out = new Uint8Array(length);
  switch (operator) {
    case '>':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) > (right[i] as number) ? 1 : 0;
      return out;
    case '>=':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) >= (right[i] as number) ? 1 : 0;
      return out;
    case '==':
      for (let i = 0; i < length; i++) out[i] = left[i] === right[i] ? 1 : 0;
      return out;
    case '!=':
      for (let i = 0; i < length; i++) {
        const [a, b] = [left[i] as number, right[i] as number];
        out[i] = a !== b && !Number.isNaN(a) && !Number.isNaN(b) ? 1 : 0;
      }
      return out;
  }
}

function compareWithScalar(operator: ComparisonOperator, left: Float64Array, right: number): Uint8Array {
  const { length } = left;
  const out = new Uint8Array(length);
  switch (operator) {
    case '<':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) < right ? 1 : 0;
      return out;
    case '<=':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) <= right ? 1 : 0;
      return out;
    case '>':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) > right ? 1 : 0;
      return out;
    case '>=':
      for (let i = 0; i < length; i++) out[i] = (left[i] as number) >= right ? 1 : 0;
      return out;
    case '==':
      for (let i = 0; i < length; i++) out[i] = left[i] === right ? 1 : 0;
      return out;
    case '!=':
      return differs(left, right, out);
  }
}

function differs(left: Float64Array, right: number, out: Uint8Array): Uint8Array {
  if (Number.isNaN(right)) return out;
  for (let i = 0; i < out.length; i++) {
    const value = left[i] as number;
    out[i] = value !== right && !Number.isNaN(value) ? 1 : 0;
  }
  return out;
}

export function both(left: Truths, right: Truths): Truths {
  if (typeof left === 'boolean') return left ? right : false;
  if (typeof right === 'boolean') return right ? left : false;
  const out = new Uint8Array(left.length);
  for (let i = 0; i < out.length; i++) out[i] = (left[i] as number) & (right[i] as number);
  return out;
}

export function either(left: Truths, right: Truths): Truths {
  if (typeof left === 'boolean') return left ? true : right;
  if (typeof right === 'boolean') return right ? true : left;
  const out = new Uint8Array(left.length);
  for (let i = 0; i < out.length; i++) out[i] = (left[i] as number) | (right[i] as number);
  return out;
}

export function map(values: Numbers, change: (value: number) => number): Numbers {
  if (typeof values === 'number') return change(values);
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = change(values[i] as number);
  return out;
}

export function combine(left: Numbers, right: Numbers, merge: (a: number, b: number) => number): Numbers {
  if (typeof right === 'number') return map(left, (value) => merge(value, right));
  if (typeof left === 'number') return map(right, (value) => merge(left, value));
  const out = new Float64Array(left.length);
  for (let i = 0; i < out.length; i++) out[i] = merge(left[i] as number, right[i] as number);
  return out;
}

/** The column `bars` earlier; nothing is known of the first ones. */
export function numbersAgo(values: Numbers, bars: number): Numbers {
  if (typeof values === 'number' || bars === 0) return values;
  const out = new Float64Array(values.length);
  out.fill(NaN, 0, bars);
  if (bars < out.length) out.set(values.subarray(0, out.length - bars), bars);
  return out;
}

/** `length` is that of the bars. */
export function truthsAgo(values: Truths, bars: number, length: number): Truths {
  if (bars === 0 || values === false) return values;
  const out = new Uint8Array(length);
  if (values === true) return out.fill(1, bars);
  if (bars < out.length) out.set(values.subarray(0, out.length - bars), bars);
  return out;
}
