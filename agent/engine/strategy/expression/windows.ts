import type { Numbers, Truths } from './kernels';

/**
 * Highest (or lowest) of the last `bars` values, NaN while one of them is. One pass: the queue holds
 * the positions that may still become the extreme, best first.
 */
export function extreme(values: Numbers, bars: number, side: 'highest' | 'lowest'): Numbers {
  if (typeof values === 'number' || bars === 1) return values;
  const { length } = values;
  const sign = side === 'highest' ? 1 : -1;
  const out = new Float64Array(length);
  const queue = new Int32Array(length);
  let head = 0;
  let tail = 0;
  let known = 0;
  for (let i = 0; i < length; i++) {
    const value = sign * (values[i] as number);
    if (Number.isNaN(value)) {
      known = 0;
      head = tail;
    } else {
      known++;
      while (tail > head && sign * (values[queue[tail - 1] as number] as number) <= value) tail--;
      queue[tail++] = i;
      if ((queue[head] as number) <= i - bars) head++;
    }
    out[i] = known >= bars ? (values[queue[head] as number] as number) : NaN;
  }
  return out;
}

/** Whether each of the last `bars` steps went up (or down); `wanted` false asks whether surely not. */
export function steps(values: Numbers, options: { bars: number; up: boolean; wanted: boolean }): Truths {
  const { bars, up, wanted } = options;
  if (typeof values === 'number') return !wanted;
  const out = new Uint8Array(values.length);
  let run = 0;
  let known = 0;
  let previous = NaN;
  for (let i = 0; i < out.length; i++) {
    const value = values[i] as number;
    known = Number.isNaN(value) ? 0 : known + 1;
    run = (up ? value > previous : value < previous) ? run + 1 : 0;
    previous = value;
    if (known > bars) out[i] = run >= bars === wanted ? 1 : 0;
  }
  return out;
}

/** Whether `left` is above `right` now and was not at the bar before; `wanted` false: surely not. */
export function crosses(left: Numbers, right: Numbers, wanted: boolean): Truths {
  const length = typeof left === 'number' ? (typeof right === 'number' ? 0 : right.length) : left.length;
  if (typeof left === 'number' && typeof right === 'number') return !wanted;
  const out = new Uint8Array(length);
  let wasBelow = false;
  let wasKnown = false;
  for (let i = 0; i < length; i++) {
    const a = typeof left === 'number' ? left : (left[i] as number);
    const b = typeof right === 'number' ? right : (right[i] as number);
    const above = a > b;
    const below = a <= b;
    const known = above || below;
    if (known && wasKnown) out[i] = (above && wasBelow) === wanted ? 1 : 0;
    wasBelow = below;
    wasKnown = known;
  }
  return out;
}
