import { describe, expect, test } from 'bun:test';
import { encodeFilter } from '#agent/gossip/wire/serf-messages';
import { expression, passes } from './query-filter';

const node = {
  name: 'a',
  tags: new Map([
    ['gpu', 'rtx4090'],
    ['role', 'worker'],
  ]),
};
const tag = (Tag: string, Expr: string) => encodeFilter({ kind: 'tag', Tag, Expr });

describe('passes()', () => {
  test.each([
    ['nothing asked', [], true],
    ['its name', [encodeFilter({ kind: 'nodes', names: ['b', 'a'] })], true],
    ['other names', [encodeFilter({ kind: 'nodes', names: ['b'] })], false],
    ['a tag', [tag('gpu', '^rtx')], true],
    ['another value', [tag('gpu', '^h100')], false],
    ['a tag it does not have', [tag('ib', '.*')], false],
    ['one of two', [tag('gpu', 'rtx'), tag('role', 'control')], false],
    ['an expression that is not understood', [tag('gpu', '(?i)RTX')], false],
  ])('%s', (_, filters, through) => {
    expect(passes(filters, node)).toBe(through);
  });
});

describe('expression()', () => {
  test.each(['^rtx.*$', 'a|b', '[0-9]+x', '(web|db)-1', 'a{2,3}', '\\d+', 'v1\\.2'])('reads %s', (text) => {
    expect(expression(text)).toBeInstanceOf(RegExp);
  });

  test.each(['(a+)+$', '(a|a)*b', '(?i)x', '(?=x)', '\\1', '\\pL', 'a*b*c*', '[', 'x'.repeat(300)])(
    'refuses %s',
    (text) => {
      expect(expression(text)).toBeUndefined();
    },
  );

  test('takes no time on the longest value', () => {
    const startMs = performance.now();
    expression('a*a*b')?.test('a'.repeat(500));
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});
