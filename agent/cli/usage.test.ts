import { expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { collectAxis, collectParameter, decimal, metricNamed, wholeNumber } from './usage';

test.each([
  ['fast=5:60:5', { fast: { from: 5, to: 60, step: 5 } }],
  ['fast=5:60', { fast: { from: 5, to: 60, step: 1 } }],
  ['level=0.1:0.3:0.1', { level: { from: 0.1, to: 0.3, step: 0.1 } }],
  ['average=sma,ema', { average: { values: ['sma', 'ema'] } }],
  ['slow=50,100', { slow: { values: [50, 100] } }],
  ['slow=50', { slow: 50 }],
  ['allow_short=true,false', { allow_short: { values: [true, false] } }],
])('--grid %s', (text, axes) => {
  expect(collectAxis(text)).toEqual(axes);
});

test.each([
  ['fast', 'it is not name=value'],
  ['=5', 'it is not name=value'],
  ['fast=', 'it is not name=value'],
  ['fast=1:2:3:4', 'a range is two or three numbers'],
  ['fast=1:x', 'a range is two or three numbers'],
  ['fast=1:9:0', 'the step must be above 0'],
  ['fast=9:1', 'it ends at 1, before 9'],
  ['fast=1,,2', 'a value of its list is empty'],
])('--grid %s is refused with the reason and an example', (text, reason) => {
  try {
    collectAxis(text);
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    expect((error as Fault).message).toContain(reason);
    expect((error as Fault).hint).toContain('--grid');
    return;
  }
  throw new Error('it was accepted');
});

test('axes and parameters collect, and none is given twice', () => {
  expect(collectAxis('b=2', collectAxis('a=1'))).toEqual({ a: 1, b: 2 });
  expect(collectParameter('average=ema', collectParameter('fast=1e1'))).toEqual({ fast: 10, average: 'ema' });
  expect(collectParameter('allow_short=false')).toEqual({ allow_short: false });
  expect(() => collectAxis('a=2', { a: 1 })).toThrow('it is given twice');
  expect(() => collectParameter('a=2', { a: 1 })).toThrow('it is given twice');
  expect(() => collectParameter('novalue')).toThrow('it is not name=value');
});

test('numbers are whole and within bounds where they must be', () => {
  const limit = wholeNumber('--limit', 1, 1000);
  expect(limit('20')).toBe(20);
  for (const text of ['0', '1001', '-1', '1.5', 'ten', '', '0x10', '1e2'])
    expect(() => limit(text)).toThrow('--limit');
  expect(decimal('--capital')('1e5')).toBe(100_000);
  for (const text of ['', 'NaN', 'Infinity', '1,000', '0x10'])
    expect(() => decimal('--capital')(text)).toThrow('--capital');
});

test('a metric that is none gets the nearest one', () => {
  expect(metricNamed('calmar_ratio')).toBe('calmar_ratio');
  expect(() => metricNamed('sharp_ratio')).toThrow("Cannot use 'sharp_ratio' as --rank-by");
});
