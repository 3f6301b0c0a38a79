import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { Fleet } from '#test/support/fleet';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 1, lease: '30s' });
  await importCsv('GOOD', 'date,open,high,low,close,volume\n2024-01-01,1,2,1,2,10\n2024-01-02,2,3,2,3,10\n');
}, 120_000);
afterAll(async () => {
  await fleet.stop();
  await fleet[Symbol.asyncDispose]();
}, 60_000);

async function importCsv(symbol: string, csv: string) {
  return await fleet.cli(['data', 'import', '-', '--symbol', symbol, '--timeframe', '1d'], {
    stdin: new Blob([csv]),
  });
}

async function rowsWritten(): Promise<{ operations: number; bars: number }> {
  const [row] = await fleet.sql<{ operations: number; bars: number }>(
    'select (select count(*) from operation)::int as operations, (select count(*) from bar)::int as bars',
  );
  return present(row, 'a count');
}

async function submit(resource: string, body: unknown) {
  return await fleet.api('POST', `/api/v1/${resource}/start`, body);
}

const HEADER = 'date,open,high,low,close,volume\n';
const files: [string, string, RegExp][] = [
  ['an empty file', '', /Cannot import/],
  ['only a header', HEADER, /Cannot import/],
  ['a missing column', 'date,open,high,low,close\n2024-01-01,1,2,1,2\n', /volume/],
  ['a word for a price', `${HEADER}2024-01-01,1,2,1,abc,10\n`, /line 2.*close.*abc/],
  ['a ragged row', `${HEADER}2024-01-01,1,2\n`, /line 2/],
  ['a date that is none', `${HEADER}yesterday,1,2,1,2,10\n`, /line 2.*yesterday/],
  ['an impossible bar', `${HEADER}2024-01-01,1,2,3,2,10\n`, /impossible|high|low/],
  ['two bars for one day', `${HEADER}2024-01-01,1,2,1,2,10\n2024-01-01,1,2,1,1.5,10\n`, /2024-01-01|line 3/],
  ['binary garbage', '\u0000\u0001\u0002\u0003'.repeat(1000), /Cannot import/],
];

describe('data import', () => {
  for (const [name, csv, message] of files) {
    test(`refuses ${name}, says where, and writes nothing`, async () => {
      const before = await rowsWritten();
      const { code, stderr } = await importCsv('BAD', csv);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/hint: \S/);
      expect(await rowsWritten()).toEqual(before);
    });
  }
});

const SWEEP = { strategy_name: 'sma_cross', symbol: 'GOOD', timeframe: '1d' };
const submissions: [string, string, unknown, number, RegExp][] = [
  ['an unknown key', 'backtests', { ...SWEEP, symbl: 'X' }, 422, /symbl/],
  ['a wrong type', 'backtests', { ...SWEEP, initial_capital: 'much' }, 422, /initial_capital/],
  ['an unknown strategy', 'backtests', { ...SWEEP, strategy_name: 'sma_corss' }, 422, /sma_corss/],
  ['an unknown symbol', 'backtests', { ...SWEEP, symbol: 'GOOOD' }, 404, /GOOOD/],
  [
    'an end before the start',
    'backtests',
    { ...SWEEP, start_date: '2024-02-01', end_date: '2024-01-01' },
    422,
    /end/,
  ],
  [
    'a range without bars',
    'backtests',
    { ...SWEEP, start_date: '2030-01-01', end_date: '2031-01-01' },
    422,
    /no bars/,
  ],
  [
    '10^12 combinations',
    'sweeps',
    { ...SWEEP, grid: { fast: { from: 1, to: 1e6, step: 1 }, slow: { from: 1, to: 1e6, step: 1 } } },
    422,
    /1,?000,?000,?000,?000|combinations/,
  ],
];

describe('POST …/start', () => {
  for (const [name, resource, body, status, message] of submissions) {
    test(`refuses ${name} with a problem and a hint, and writes nothing`, async () => {
      const before = await rowsWritten();
      const reply = await submit(resource, body);
      expect(reply.status).toBe(status);
      expect(reply.body).toMatchObject({ success: false, status });
      expect(String(reply.body['detail'])).toMatch(message);
      expect(String(reply.body['hint'])).not.toBe('undefined');
      expect(await rowsWritten()).toEqual(before);
    });
  }

  test('refuses malformed JSON', async () => {
    const response = await fetch(`${fleet.apiUrl}/api/v1/backtests/start`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.token}` },
      body: '{"strategy_name": ',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'bad_request' });
  });

  test('refuses a body of 1 GB before reading it', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 1024) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const response = await fetch(`${fleet.apiUrl}/api/v1/backtests/start`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.token}` },
      body,
    }).catch(() => undefined);
    // A client that is still sending may see the connection closed instead of the answer.
    if (response) expect(response.status).toBe(413);
    expect(sent).toBeLessThan(200);
    expect((await fetch(`${fleet.apiUrl}/health`)).status).toBe(200);
  });

  test('gives the same operation for the same idempotency key, and refuses the key for other parameters', async () => {
    const path = '/api/v1/backtests/start?idempotency_key=once';
    const first = await fleet.api('POST', path, SWEEP);
    const again = await fleet.api('POST', path, SWEEP);
    expect(first.status).toBe(200);
    expect(again.body['data']).toMatchObject({
      operation_id: (first.body['data'] as { operation_id: string }).operation_id,
    });
    expect(await fleet.api('POST', path, { ...SWEEP, initial_capital: 5 })).toMatchObject({ status: 409 });
  });
});

test('a request without the token, or for a foreign host, is refused', async () => {
  expect((await fetch(`${fleet.apiUrl}/api/v1/status`)).status).toBe(401);
  const foreign = await fetch(`${fleet.apiUrl}/api/v1/status`, {
    headers: { authorization: `Bearer ${fleet.token}`, host: 'evil.example' },
  });
  expect(foreign.status).toBe(403);
});
