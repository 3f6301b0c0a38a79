import { afterAll, beforeEach, expect, test } from 'bun:test';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#agent/kit/error';
import { freePort } from '#test/support/free-port';
import { tempDir } from '#test/support/temp-dir';
import { createClient } from './client';
import { tokenFile } from './token-file';

type Handler = (request: Request) => Response | Promise<Response>;
let handle: Handler = () => new Response('unset', { status: 500 });
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  fetch: (request) => handle(request),
});
const url = `http://127.0.0.1:${server.port}`;
const client = createClient({ url, token: 'secret', timeoutMs: 2_000 });
const operationId = 'op_sweep_20260131_235959_1a2b3c4d';

beforeEach(() => {
  handle = () => new Response('unset', { status: 500 });
});
afterAll(() => server.stop(true));

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const outcome = await work.then(
    () => 'no fault',
    (error: unknown) => error,
  );
  if (outcome instanceof Fault) return outcome;
  throw new Error(`expected a Fault, got ${String(outcome)}`);
}

function problem(status: number, fields: Record<string, unknown>): Response {
  const document = { type: 'about:blank', title: 'x', status, retryable: false, success: false, ...fields };
  return Response.json(document, { status, headers: { 'content-type': 'application/problem+json' } });
}

test('call() fills parameters in, sends the token and returns the validated reply', async () => {
  let seen: string[] = [];
  handle = (request) => {
    seen = [request.url, request.headers.get('authorization') ?? ''];
    return Response.json({ success: true, data: [], total_count: 0, active_count: 0 });
  };
  const query = { start: undefined, limit: 5, order: 'desc' as const };
  const reply = await client.call('getBars', { params: { symbol: 'BRK/B', timeframe: '1d' }, query });
  expect(reply.data).toEqual([]);
  expect(seen).toEqual([`${url}/api/v1/data/BRK%2FB/1d?limit=5&order=desc`, 'Bearer secret']);
});

test('a problem is the Fault that the control plane threw', async () => {
  const refusals = [{ worker_name: 'a', reason: 'busy' }];
  handle = () =>
    problem(503, { code: 'no_workers', detail: 'Cannot start', hint: 'add one', details: { refusals } });
  const fault = await faultOf(client.call('startBacktest', { body: {} }));
  expect([fault.code, fault.message, fault.hint]).toEqual(['no_workers', 'Cannot start', 'add one']);
  expect(fault.details).toEqual({ refusals });
});

test('a code of a newer control plane maps by its status, and Retry-After is kept', async () => {
  handle = () => {
    const answer = problem(429, { code: 'quota_of_tomorrow', detail: 'Cannot start: too much' });
    answer.headers.set('retry-after', '7');
    return answer;
  };
  const fault = await faultOf(client.call('getStatus'));
  expect([fault.code, fault.details]).toEqual(['too_many', { retry_after_s: 7 }]);
});

test('an answer of somebody else says so', async () => {
  handle = () => new Response('<html>', { status: 502, headers: { 'content-type': 'text/html' } });
  expect((await faultOf(client.call('getStatus'))).message).toContain('502 with text/html');
  handle = () => Response.json({ success: true, data: { state: 'odd' } });
  const fault = await faultOf(client.call('getStatus'));
  expect(fault.code).toBe('environment');
  expect(fault.message).toContain('/api/v1/status');
  handle = () => new Response('not json');
  expect((await faultOf(client.call('getStatus'))).message).toContain('it is not JSON');
});

test('nobody listening is unavailable, with the way to start a fleet', async () => {
  const away = createClient({ url: `http://127.0.0.1:${await freePort()}`, token: 't' });
  const fault = await faultOf(away.call('getStatus'));
  expect(fault.code).toBe('unavailable');
  expect(fault.message).toMatch(
    /^Cannot reach the control plane at http:\/\/127.0.0.1:\d+: connection refused$/,
  );
  expect(fault.hint).toContain('ktrdr-agent dev up');
});

test('a silent control plane is a timeout, the caller who gives up gets the own reason', async () => {
  handle = () => Promise.withResolvers<Response>().promise;
  expect((await faultOf(client.call('getStatus', { timeoutMs: 50 }))).code).toBe('timeout');
  const reason = new Error('enough');
  const outcome = client.call('getStatus', { signal: AbortSignal.abort(reason) });
  expect(outcome).rejects.toBe(reason);
});

test('upload() streams its body with the media type of the endpoint', async () => {
  let received = '';
  let media: string | null = '';
  handle = async (request) => {
    received = await request.text();
    media = request.headers.get('content-type');
    return problem(422, { code: 'invalid', detail: 'Cannot import: seen' });
  };
  const upload = new Blob(['a,b\n', '1,2\n']).stream();
  const query = { symbol: 'SPX', timeframe: '1d' as const, dry_run: true };
  const fault = await faultOf(client.upload('importBars', { query, upload }));
  expect(fault.message).toBe('Cannot import: seen');
  expect([received, media]).toEqual(['a,b\n1,2\n', 'text/csv']);
});

test('events() reconnects with the last id and goes on', async () => {
  const asked: Array<string | null> = [];
  handle = (request) => {
    asked.push(request.headers.get('last-event-id'));
    const body =
      asked.length === 1 ? 'id: 41\ndata: a\n\nid: 42\ndata: b\n\n' : 'id: 43\nevent: end\ndata: c\n\n';
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const seen: string[] = [];
  const connections: Array<string | undefined> = [];
  const events = client.events('streamOperation', {
    params: { operation_id: operationId },
    onConnection: (fault) => {
      connections.push(fault?.code);
    },
  });
  for await (const event of events) {
    seen.push(event.data);
    if (event.event === 'end') break;
  }
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual([null, '42']);
  expect(connections).toEqual([undefined, 'unavailable', undefined]);
});

test('events() ends at once where no retry helps, and after a bounded outage', async () => {
  handle = () => problem(404, { code: 'not_found', detail: 'Cannot find it' });
  const unknown = client.events('streamOperation', { params: { operation_id: operationId } });
  expect((await faultOf(unknown.next())).code).toBe('not_found');

  handle = () => new Response(null, { headers: { 'content-type': 'text/event-stream' } });
  const gone = client.events('streamOperation', { params: { operation_id: operationId }, outageMsMax: 10 });
  expect((await faultOf(gone.next())).code).toBe('unavailable');
});

test('events() notices a connection that fell silent', async () => {
  const open = new ReadableStream({ start: (controller) => controller.enqueue(': hello\n\n') });
  handle = () => new Response(open, { headers: { 'content-type': 'text/event-stream' } });
  const options = { params: { operation_id: operationId }, silenceMsMax: 20, outageMsMax: 10 };
  const fault = await faultOf(client.events('streamOperation', options).next());
  expect(fault.message).toContain('nothing came for 0.02 s');
});

test('a token file is read when needed, again after a refusal, and judged by its mode', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'token');
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const reading = createClient({ url, token: tokenFile(path, warn) });
  const missing = await faultOf(reading.call('getStatus'));
  expect([missing.code, missing.message]).toEqual([
    'unauthorized',
    `Cannot read the token ${path}: no such file`,
  ]);

  const seen: Array<string | null> = [];
  handle = (request) => {
    seen.push(request.headers.get('authorization'));
    return problem(401, { code: 'unauthorized', detail: 'Cannot authorize: unknown token' });
  };
  await writeFile(path, 'first\n', { mode: 0o600 });
  const refused = await faultOf(reading.call('getStatus'));
  expect(refused.hint).toContain(path);
  await writeFile(path, 'second\n');
  await chmod(path, 0o644);
  await faultOf(reading.call('getStatus'));
  expect(seen).toEqual(['Bearer first', 'Bearer second']);
  expect(warnings).toEqual([`others can read the token ${path} (mode 0644): chmod 600 ${path}`]);
});
