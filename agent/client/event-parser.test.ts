import { expect, test } from 'bun:test';
import { createEventParser } from './event-parser';

test('an event is its fields up to the empty line', () => {
  const parser = createEventParser();
  expect(parser.push('id: 7\nevent: operation\ndata: {"a":\ndata: 1}\n\n')).toEqual([
    { event: 'operation', data: '{"a":\n1}', id: '7' },
  ]);
});

test('text may end anywhere, also between the halves of a line end', () => {
  const text = ': hello\r\nid: 1\r\ndata: one\r\n\r\ndata: two\r\n\r\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = createEventParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    expect([cut, events.map(({ data, id }) => `${id} ${data}`)]).toEqual([cut, ['1 one', '1 two']]);
  }
});

test('comments, empty events and unknown fields give nothing', () => {
  const parser = createEventParser();
  expect(parser.push(': keep-alive\n\nevent: nothing\n\ncolour: red\n\n')).toEqual([]);
  expect(parser.push('retry: 1500\n\n')).toEqual([]);
  expect(parser.retryMs).toBe(1500);
});

test('a server that never ends its line is not kept in memory', () => {
  const parser = createEventParser();
  const push = (): void => {
    for (let i = 0; i < 10; i++) parser.push('x'.repeat(1024 * 1024));
  };
  expect(push).toThrow('too long');
});
