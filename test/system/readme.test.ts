import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chown, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { lookupUser } from '#agent/kit/process';
import { BINARY } from '#test/support/fleet';
import { repository } from '#test/support/source-file';
import { tempDir, type TempDir } from '#test/support/temp-dir';

/**
 * The tour of the README, command by command, with the binary alone: in an empty directory, as an
 * unprivileged user (when the tests run as root), without the checkout.
 */
const user = process.getuid?.() === 0 ? present(lookupUser('nobody'), 'the user nobody') : undefined;
const readme = await readFile(join(repository, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) =>
  (block[1] ?? '').trim().split('\n'),
);

let home: TempDir;

beforeAll(async () => {
  home = await tempDir('kr-');
  if (user) await chown(home.path, user.uid, user.gid);
  await copyFile(BINARY, join(home.path, 'ktrdr-agent'));
  await copyFile(
    join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv'),
    join(home.path, 'SP500_1d.csv'),
  );
});
afterAll(async () => {
  await run(['dev', 'down']);
  await home[Symbol.asyncDispose]();
});

async function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([join(home.path, 'ktrdr-agent'), ...args], {
    cwd: home.path,
    env: { HOME: home.path, PATH: '/usr/bin:/bin', NO_COLOR: '1' },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 90_000,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** What a reader would look for in the output. */
const SHOWS: Readonly<Record<string, RegExp>> = {
  'ktrdr-agent status': /ok[\s\S]*ready[\s\S]*ready/i,
  'ktrdr-agent data import SP500_1d.csv': /5,?105/,
  'ktrdr-agent data show': /SP500[\s\S]*2000-01-03/,
  'ktrdr-agent config': /api_port[\s\S]*8000/,
  'ktrdr-agent workers': /ready/,
  'ktrdr-agent members': /3 members: 3 alive/,
  'ktrdr-agent query version': /Acknowledged by 3 of 3/,
  'ktrdr-agent doctor': /ok {4}schema[\s\S]* fine \(\d+ ms\)/,
  'ktrdr-agent doctor ports token schema --explain': /All is well: 3 fine/,
  'ktrdr-agent drain agent-1 --reason maintenance --wait': /has finished: nothing runs there/,
  'ktrdr-agent undrain agent-1': /takes work again/,
  'ktrdr-agent ops': /sweep[\s\S]*backtesting/,
  'ktrdr-agent report': /Wrote \S+op_sweep_\S+\.html/,
  'ktrdr-agent export --output units.parquet': /Wrote units\.parquet: units of op_sweep_/,
};

test('the README has a tour', () => {
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.every((command) => command.startsWith('ktrdr-agent '))).toBe(true);
  expect(Object.keys(SHOWS).filter((command) => !commands.includes(command))).toEqual([]);
});

for (const command of commands) {
  test(
    command,
    async () => {
      const { code, stdout, stderr } = await run(command.split(' ').slice(1));
      // Exit 1 is a warning about the machine that runs the tests, such as a clock that nobody sets.
      const isFine = code === 0 || (code === 1 && command === 'ktrdr-agent doctor');
      expect({ code, stderr: isFine ? '' : stderr }).toEqual({ code: isFine ? code : 0, stderr: '' });
      expect(stdout).toMatch(SHOWS[command] ?? /\S/);
    },
    120_000,
  );
}
