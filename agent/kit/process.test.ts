import { afterEach, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '#test/support/wait-until';
import { systemClock } from './clock';
import {
  descendants,
  dropPrivileges,
  isSameProcess,
  killTree,
  lookupUser,
  parseStat,
  processIdentity,
  waitForExit,
  type ProcessIdentity,
} from './process';

const isLinux = process.platform === 'linux';
const isRoot = process.getuid?.() === 0;
if (!isLinux) console.log('skipped: process trees and prctl are read from /proc, which is Linux only');
if (!isRoot) console.log('skipped: dropping privileges needs root');

const started: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) {
    killTree(child.pid, 'SIGKILL');
    child.kill('SIGKILL');
    await child.exited;
  }
});

test.each([
  ['sleep', '42 (sleep) S 7 8 9 0 -1 1 2 3 4 5 6 7 8 9 20 0 1 0 1234 99'],
  ['a name with spaces and parentheses', '42 (a) Z (b) S 7 8 9 0 -1 1 2 3 4 5 6 7 8 9 20 0 1 0 1234 99'],
])('parseStat() reads %s', (_, text) => {
  const stat = { pid: 42, state: 'S', parentPid: 7, group: 8, session: 9, startTicks: 1234 };
  expect(parseStat(text)).toEqual(stat);
});

test.each(['', '42 (sleep', '42 (sleep) S 1 2'])('parseStat(%j) is undefined', (text) => {
  expect(parseStat(text)).toBeUndefined();
});

describe.skipIf(!isLinux)('identity', () => {
  test('processIdentity() tells a live process from a dead one and from a reused pid', async () => {
    const child = start(['sleep', '60']);
    const identity = identify(child.pid);
    expect(identity.startTicks).toBeGreaterThan(0);
    expect(identity.bootId).toMatch(/^[0-9a-f-]{36}$/);
    await waitUntil('the exec of sleep', () => processIdentity(child.pid)?.exe?.includes('sleep'));
    expect(isSameProcess(identity)).toBe(true);
    expect(isSameProcess({ ...identity, startTicks: identity.startTicks + 1 })).toBe(false);
    expect(isSameProcess({ ...identity, bootId: 'another boot' })).toBe(false);
    expect(await waitForExit(identity, { clock: systemClock, timeoutMs: 20 })).toBe(false);
    child.kill('SIGKILL');
    expect(await waitForExit(identity, { clock: systemClock, timeoutMs: 5_000 })).toBe(true);
    expect(processIdentity(child.pid)).toBeUndefined();
  });

  test('processIdentity() counts a zombie as dead', async () => {
    // It must end only after the exec: the shell would reap it, sleep never does.
    const child = start(['sh', '-c', 'sleep 0.3 & echo $!; exec sleep 60']);
    const pid = Number(await firstLine(child));
    await waitUntil('a zombie', () => statOf(pid)?.state === 'Z');
    expect(processIdentity(pid)).toBeUndefined();
    expect(descendants(child.pid)).toEqual([]);
  });

  test('Bun.spawn({ detached }) makes the child lead a session, on which killTree() relies', () => {
    const child = start(['sleep', '60']);
    expect(statOf(child.pid)).toMatchObject({ group: child.pid, session: child.pid });
  });
});

describe.skipIf(!isLinux)('trees', () => {
  test('descendants() lists children and grandchildren, parents first', async () => {
    const child = start(['sh', '-c', 'sh -c "sleep 60 & echo ready; wait" & wait']);
    await firstLine(child);
    const pids = descendants(child.pid);
    expect(pids).toHaveLength(2);
    expect(pids.map((pid) => statOf(pid)?.parentPid)).toEqual([child.pid, pids[0]]);
    expect(descendants(process.pid)).toContain(child.pid);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'killTree(%s) ends children in sessions of their own and orphans of the session',
    async (signal) => {
      // The inner sh orphans a sleep; the other sleep leaves the session.
      const child = start([
        'sh',
        '-c',
        'sh -c "sleep 60 & echo \\$!"; setsid sh -c "echo \\$\\$; exec sleep 60" & sleep 60',
      ]);
      const lines = await firstLines(child, 2);
      const processes = [child.pid, ...lines.map(Number)].map(identify);
      expect(killTree(identify(child.pid), signal)).toBeGreaterThanOrEqual(processes.length);
      for (const identity of processes) {
        expect(await waitForExit(identity, { clock: systemClock, timeoutMs: 5_000 })).toBe(true);
      }
    },
  );

  test('killTree() leaves nothing of a tree that keeps forking', async () => {
    const loop = 'i=0; while [ $i -lt 2000 ]; do sleep 60 & i=$((i+1)); done; wait';
    const child = start(['sh', '-c', loop]);
    await waitUntil('the tree to grow', () => descendants(child.pid).length > 5);
    killTree(child.pid, 'SIGKILL');
    await waitUntil('the whole session to be gone', () => sessionOf(child.pid).length === 0);
  });

  test.skipIf(!isRoot)('killTree() says which process of another user it could not signal', async () => {
    const other = start(['sleep', '60']);
    const code = `dropPrivileges(65534, 65534);
      try { killTree(${other.pid}, 'SIGKILL'); } catch (error) { console.log(error.message); }`;
    const child = start(bun(code));
    expect(await firstLine(child)).toBe(`Cannot send SIGKILL to process ${other.pid}: EPERM`);
    expect(statOf(other.pid)?.state).toBe('S');
  });

  test('killTree() spares a process that got the pid of another', () => {
    const child = start(['sleep', '60']);
    const identity = identify(child.pid);
    expect(killTree({ ...identity, startTicks: identity.startTicks - 1 }, 'SIGKILL')).toBe(0);
    expect(isSameProcess(identity)).toBe(true);
    expect(() => killTree(process.pid, 'SIGKILL')).toThrow('would end');
  });

  test('becomeSubreaper() adopts orphans that left their session, and killDescendants() ends them', async () => {
    const child = start(
      bun(`
        console.log(becomeSubreaper());
        const orphan = Number(await new Response(Bun.spawn(['sh', '-c', 'setsid sleep 60 >&- & echo $!']).stdout).text());
        console.log(orphan);
        process.stdin.once('data', () => { killDescendants('SIGKILL'); console.log('killed'); });
      `),
    );
    const [adopted, orphan] = await firstLines(child, 2);
    expect(adopted).toBe('true');
    const identity = identify(Number(orphan));
    await waitUntil('adoption', () => statOf(identity.pid)?.parentPid === child.pid);
    void child.stdin.write('go\n');
    await child.stdin.flush();
    expect(await waitForExit(identity, { clock: systemClock, timeoutMs: 5_000 })).toBe(true);
    expect(isSameProcess(identify(child.pid))).toBe(true);
  });

  test('dieWithParent() ends a child whose parent was killed', async () => {
    const inner = `dieWithParent(Number(process.env.PARENT)); console.log(process.pid); setInterval(() => {}, 1000);`;
    const parent = start(
      bun(`
        Bun.spawn(${JSON.stringify(bun(inner))}, { stdout: 'inherit', detached: true, env: { ...process.env, PARENT: String(process.pid) } });
        setInterval(() => {}, 1000);
      `),
    );
    const identity = identify(Number(await firstLine(parent)));
    process.kill(parent.pid, 'SIGKILL');
    expect(await waitForExit(identity, { clock: systemClock, timeoutMs: 5_000 })).toBe(true);
  });

  test('dieWithParent() ends a child whose parent died before the call', async () => {
    const child = start(bun(`dieWithParent(${2 ** 30}); console.log('alive');`));
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
  });
});

describe.skipIf(!isLinux || !isRoot)('dropPrivileges()', () => {
  const report = `
    const threads = readdirSync('/proc/self/task').map((task) =>
      readFileSync('/proc/self/task/' + task + '/status', 'utf8').match(/^(Uid|Gid|Groups|CapEff):.*$/gm).join(';').replaceAll(/\\s+/g, ' ').trim());
    let again; try { process.setuid(0); again = 'root'; } catch { again = 'refused'; }
    let twice; try { dropPrivileges(65534, 65534); twice = 'done'; } catch (error) { twice = error.message; }
    console.log(JSON.stringify({ isThreaded: threads.length > 1, states: [...new Set(threads)], again, twice }));`;

  test('gives up user, group, groups and capabilities in every thread, for good', async () => {
    const child = start(bun(`dropPrivileges(65534, 65534); ${report}`));
    const line: unknown = JSON.parse(await firstLine(child));
    expect(line).toEqual({
      isThreaded: true,
      states: ['Uid: 65534 65534 65534 65534;Gid: 65534 65534 65534 65534;Groups: ;CapEff: 0000000000000000'],
      again: 'refused',
      twice: 'Cannot change to user 65534: this process is not root',
    });
  });

  test.skipIf(Bun.which('setpriv') === null)('refuses when root could be regained', async () => {
    const attempt = `try { dropPrivileges(65534, 65534); console.log('done'); } catch (error) { console.log(error.message); }`;
    const child = start(['setpriv', '--securebits=+no_setuid_fixup', ...bun(attempt)]);
    expect(await firstLine(child)).toBe('Cannot change to user 65534: root could be regained');
  });

  test('never takes root for an unprivileged user', () => {
    expect(() => dropPrivileges(0, 0)).toThrow('unprivileged');
  });
});

test('lookupUser() finds a user by its whole name only', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nktrdr:x:990:985::/var/lib/ktrdr:/bin/false\nbroken:x\n';
  expect(lookupUser('ktrdr', passwd)).toEqual({ uid: 990, gid: 985, home: '/var/lib/ktrdr' });
  for (const name of ['ktr', 'KTRDR', 'broken', 'x', '']) expect(lookupUser(name, passwd)).toBeUndefined();
  expect(lookupUser('root')?.uid).toBe(0);
});

/** A child that leads its own session, so that afterEach can end everything it started. */
function start(argv: string[]) {
  const child = Bun.spawn(argv, { detached: true, stdin: 'pipe', stdout: 'pipe' });
  started.push(child);
  return child;
}

function bun(code: string): string[] {
  const imports = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { becomeSubreaper, dieWithParent, dropPrivileges, killDescendants, killTree } from ${JSON.stringify(join(import.meta.dir, 'process.ts'))};`;
  return [process.execPath, '-e', imports + code];
}

async function firstLine(child: { stdout: ReadableStream<Uint8Array> }): Promise<string> {
  return (await firstLines(child, 1))[0] ?? '';
}

async function firstLines(child: { stdout: ReadableStream<Uint8Array> }, count: number): Promise<string[]> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split('\n').length > count) break;
  }
  return text.split('\n').slice(0, count);
}

function identify(pid: number): ProcessIdentity {
  const identity = processIdentity(pid);
  if (identity === undefined) throw new Error(`process ${pid} is not alive`);
  return identity;
}

function statOf(pid: number) {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

function sessionOf(session: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => statOf(pid)?.session === session && statOf(pid)?.state !== 'Z');
}
