import { expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endpoints } from '#agent/contract/endpoints';
import { STRATEGIES } from '#agent/engine/strategy/registry';
import { repository } from '#test/support/source-file';
import { strategyHandlers } from './strategies';

const handlers = strategyHandlers();
const input = {
  params: {},
  query: {},
  request: new Request('http://test'),
  signal: new AbortController().signal,
};

async function verdict(body: unknown) {
  const { reply, body: schema } = endpoints.validateStrategy;
  return reply.parse(await handlers.validateStrategy({ ...input, body: schema.parse(body) })).data;
}

test('every built-in strategy is listed with its parameters and its grid', async () => {
  const { data } = endpoints.listStrategies.reply.parse(
    await handlers.listStrategies({ ...input, body: undefined }),
  );
  expect(data.map(({ name }) => name)).toEqual(STRATEGIES.map(({ name }) => name));
  expect(data.find(({ name }) => name === 'sma_cross')).toMatchObject({
    constraint: 'fast < slow',
    parameters: expect.arrayContaining([expect.objectContaining({ name: 'fast', type: 'integer' })]),
  });
});

test('one strategy is found by its name, and a wrong name leads nowhere', async () => {
  const get = (name: string) => handlers.getStrategy({ ...input, params: { name }, body: undefined });
  expect(endpoints.getStrategy.reply.parse(await get('sma_cross')).data.name).toBe('sma_cross');
  expect(() => get('sma_cros')).toThrow("Cannot find strategy 'sma_cros'");
});

test('a good file is ok, and says what it holds', async () => {
  const text = await readFile(join(repository, 'installers/strategies/sma_cross.yaml'), 'utf8');
  expect(await verdict({ text })).toMatchObject({ ok: true, problems: [], strategy: { name: 'sma_cross' } });
});

test('a bad file is an answer, with the line and column of each mistake', async () => {
  const text = 'name: x\nversion: "3.0"\nmodel:\n  type: rules\n  entries: {long: "close >> 1"}\n';
  const { ok, error, problems, strategy, file } = await verdict({ text, file_name: 'x.yaml' });
  expect({ ok, strategy, file }).toEqual({ ok: false, strategy: null, file: 'x.yaml' });
  expect(error).toContain('Cannot read x.yaml:');
  expect(problems.some(({ line }) => line === 5)).toBe(true);
});
