import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { serviceNotifier } from './sd-notify';

const python = Bun.which('python3');
if (python === null) console.log('skipped: sd-notify needs python3 as the receiving end');

/** Binds a unix datagram socket, says so, and prints the first datagram. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.settimeout(10)
path = sys.argv[1]; s.bind('\\0' + path[1:] if path[0] == '@' else path)
open(sys.argv[2], 'w').close()
print(s.recv(4096).decode(), end='')
`;

async function received(socketPath: string, folder: string): Promise<string> {
  const bound = join(folder, 'bound');
  const receiver = exec([python ?? '', '-c', RECEIVER, socketPath, bound], { timeoutMs: 15_000 });
  await waitUntil('the receiver to listen', () => Bun.file(bound).exists(), { timeoutMs: 10_000 });
  expect(serviceNotifier({ NOTIFY_SOCKET: socketPath }).notify('READY=1\nSTATUS=fine')).toBe(true);
  return (await receiver).stdout;
}

describe('serviceNotifier()', () => {
  test.skipIf(python === null)('reaches a socket of the filesystem and an abstract one', async () => {
    await using folder = await tempDir();
    expect(await received(join(folder.path, 'notify'), folder.path)).toBe('READY=1\nSTATUS=fine');
    await using other = await tempDir();
    expect(await received(`@${other.path}`, other.path)).toBe('READY=1\nSTATUS=fine');
  });

  test('stays quiet without NOTIFY_SOCKET and when nobody listens', () => {
    expect(serviceNotifier({}).notify('READY=1')).toBe(false);
    expect(serviceNotifier({ NOTIFY_SOCKET: '/nonexistent/notify' }).notify('READY=1')).toBe(false);
    expect(serviceNotifier({ NOTIFY_SOCKET: `/${'x'.repeat(200)}` }).notify('READY=1')).toBe(false);
  });

  test('halves the watchdog interval, which must be meant for this process', () => {
    const base = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' };
    expect(serviceNotifier(base, 7).watchdogMs).toBe(15_000);
    expect(serviceNotifier({ ...base, WATCHDOG_PID: '7' }, 7).watchdogMs).toBe(15_000);
    expect(serviceNotifier({ ...base, WATCHDOG_PID: '8' }, 7).watchdogMs).toBeUndefined();
    expect(serviceNotifier({ NOTIFY_SOCKET: '/x' }, 7).watchdogMs).toBeUndefined();
  });
});
