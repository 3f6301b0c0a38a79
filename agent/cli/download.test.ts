import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runCli } from '#test/support/cli';
import { tempDir, type TempDir } from '#test/support/temp-dir';

const HEADER = 'time,open,high,low,close,volume\r\n';
const ROW = '2020-01-02T00:00:00Z,1,2,0.5,1.5,100\r\n';

const BROKEN_OFF = 'Cannot export bars of SPX 1d: the connection broke before the end\nhint: ';

let folder: TempDir;
let server: Bun.Server<undefined>;
/** What the control plane of these tests answers. */
let answer: () => Response;

beforeAll(async () => {
  folder = await tempDir();
  writeFileSync(join(folder.path, 'token'), 'secret', { mode: 0o600 });
  server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => answer() });
});
afterAll(async () => {
  await server.stop(true);
  await folder[Symbol.asyncDispose]();
});

const files = (): string[] => readdirSync(folder.path).filter((name) => name !== 'token');

async function exported(...args: string[]) {
  const where = ['--api-url', server.url.href, '--token-file', join(folder.path, 'token')];
  return await runCli(['data', 'export', 'SPX', '1d', ...where, ...args], { cwd: folder.path });
}

function csv(text: string, rows: number): Response {
  return new Response(text, { headers: { 'x-total-count': String(rows) } });
}

test('a whole answer is a file of its name', async () => {
  answer = () => csv(HEADER + ROW, 1);
  const { code, stdout, stderr } = await exported();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('Wrote SPX_1d.csv: 1 bar of SPX 1d, 71 B\n');
  expect(readFileSync(join(folder.path, 'SPX_1d.csv'), 'utf8')).toBe(HEADER + ROW);
});

test.each([
  ['rows are missing', () => csv(HEADER + ROW, 2), 'csv'],
  ['a footer is missing', () => csv('PAR1 and some columns', 1), 'parquet'],
])('when %s there is no new file, and the old one stays', async (_name, broken, format) => {
  const file = `old.${format}`;
  writeFileSync(join(folder.path, file), 'old');
  const before = files();
  answer = broken;
  const { code, stdout, stderr } = await exported('-o', file);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(BROKEN_OFF);
  expect(files()).toEqual(before);
  expect(readFileSync(join(folder.path, file), 'utf8')).toBe('old');
});

test('when the connection breaks there is no file', async () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 1000\r\n\r\n';
  const peer = createServer((socket) => {
    socket.once('data', () => void socket.end(head + HEADER + ROW));
    socket.on('error', () => undefined);
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  peer.listen(0, '127.0.0.1', resolve);
  await listening;
  const address = peer.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const before = files();
  const { code, stderr } = await exported('-o', 'torn.csv', '--api-url', `http://127.0.0.1:${port}`);
  peer.close();
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(BROKEN_OFF) });
  expect(files()).toEqual(before);
});

test('a folder gets the file with the name of the series', async () => {
  answer = () => csv(HEADER + ROW, 1);
  const { stdout } = await exported('-o', 'new/', '--json');
  expect(JSON.parse(stdout)).toEqual({
    symbol: 'SPX',
    timeframe: '1d',
    format: 'csv',
    file: 'new/SPX_1d.csv',
    bars: 1,
    bytes: 71,
  });
});

test.each([
  [['--from', 'yesterday'], "Cannot use 'yesterday' as --from", 2],
  [['--all'], '--all means every series, not SPX', 2],
  [['--from', '2020-02-01', '--to', '2020-01-31'], '--to 2020-01-31 is before --from 2020-02-01', 2],
  [['-o', '-', '--json'], 'it has room for one document', 2],
  [['-o', 'token/x.csv'], 'Cannot write token/x.csv', 1],
])('%p is refused', async (args, reason, exit) => {
  answer = () => csv(HEADER + ROW, 1);
  const { code, stderr } = await exported(...args);
  expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringContaining(reason) });
  expect(stderr).toMatch(/hint"?: /);
});

test('a day of --to is meant whole', async () => {
  let asked = new URLSearchParams();
  server.reload({
    fetch: (request) => {
      asked = new URL(request.url).searchParams;
      return csv(HEADER, 0);
    },
  });
  const { stdout } = await exported('--from', '2020-02-01', '--to', '2020-02-28', '-o', '-');
  expect(stdout).toBe(HEADER);
  expect(Object.fromEntries(asked)).toEqual({ start: '2020-02-01', end: '2020-02-29', format: 'csv' });
});
