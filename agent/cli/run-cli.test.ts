import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { freePort } from '#test/support/free-port';
import { cliCommand, runCli } from '#test/support/cli';
import { tempDir } from '#test/support/temp-dir';

test.each([
  [['opss'], "unknown command 'opss'", 'did you mean ops?'],
  [['ops', '--jsn'], "unknown option '--jsn'", 'did you mean --json?'],
  [['backtest', 'sma_cross'], "missing required argument 'symbol'", 'such as SPX 1d'],
  [['ops', '--limit', 'many'], "Cannot use 'many' as --limit", '--limit 10'],
  [['ops', '--status', 'done'], 'Allowed choices are', 'ktrdr-agent ops --help'],
  [['data', 'imprt', 'x'], "unknown command 'imprt'", 'did you mean import?'],
  [['sweep', 'sma_cross', 'SPX', '1d', '--grid', 'fast=9:1'], 'it ends at 1, before 9', '--grid fast=5:60:5'],
  [['backtest', 'sma_cross', 'SPX', '1d', '-p', 'fast'], 'it is not name=value', '--param fast=10'],
  [['strategies', 'sma_cros'], "Cannot find strategy 'sma_cros'", "did you mean 'sma_cross'?"],
  [['data', 'import', '/nonexistent/SPX_1d.csv'], 'no such file', 'stdin'],
  [['config', '--settings', '/nonexistent.yaml'], 'there is no such file', '--settings'],
  [['run', '--worker-port', '99999'], '99999', 'worker_port'],
])('%p is wrong usage: exit 2, the reason and a hint on stderr', async (args, reason, hint) => {
  const { code, stdout, stderr } = await runCli(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  const [error = '', hintLine = ''] = stderr.split('\n');
  expect(error).toStartWith('error: Cannot ');
  expect(error).toContain(reason);
  expect(hintLine).toStartWith('hint: ');
  expect(hintLine).toContain(hint);
});

test('an error is a document when --json is given, wherever it stands', async () => {
  const { code, stdout, stderr } = await runCli(['ops', '--json', '--limit', '0']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(JSON.parse(stderr)).toMatchObject({ success: false, code: 'bad_request', exit_code: 2 });
});

test('help is an answer: stdout and exit 0', async () => {
  const { code, stdout, stderr } = await runCli(['data', 'import', '--help']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Usage: ktrdr-agent data import');
});

test('no command at all is a question: help on stderr and exit 2', async () => {
  const { code, stdout, stderr } = await runCli([]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Usage: ktrdr-agent <command>');
});

test('status says that the control plane is down, and exits 2', async () => {
  await using folder = await tempDir();
  const env = {
    KTRDR_API_URL: `http://127.0.0.1:${await freePort()}`,
    KTRDR_STATE_DIR: folder.path,
    KTRDR_RUNTIME_DIR: folder.path,
    WORKER_PORT: String(await freePort()),
  };
  const text = await runCli(['status'], { env });
  expect(text.code).toBe(2);
  expect(text.stdout).toStartWith('Fleet DOWN\n');
  expect(text.stdout).toContain('connection refused');
  const json = await runCli(['status', '--json'], { env });
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    state: 'down',
    control: null,
    local: { agents: [], shims: [] },
  });
}, 20_000);

test('a reader that goes away early ends a command without a word', async () => {
  const shell = Bun.spawn(['sh', '-c', `${cliCommand().join(' ')} strategies --json | head -n 1`], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  expect(await new Response(shell.stdout).text()).toBe('[\n');
  expect(await new Response(shell.stderr).text()).toBe('');
  expect(await shell.exited).toBe(0);
});

test('Ctrl-C ends a command at once with 130 and without a stack', async () => {
  const asked = Promise.withResolvers<undefined>();
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => {
      asked.resolve(undefined);
      return Promise.withResolvers<Response>().promise;
    },
  });
  await using folder = await tempDir();
  const token = `${folder.path}/token`;
  await writeFile(token, 'secret', { mode: 0o600 });
  try {
    const child = Bun.spawn([...cliCommand(), 'ops', '--api-url', server.url.href, '--token-file', token], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    await asked.promise;
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stderr).text()).toBe('');
  } finally {
    await server.stop(true);
  }
});
