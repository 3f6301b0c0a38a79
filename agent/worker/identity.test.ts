import { describe, expect, test } from 'bun:test';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registrationSchema, workerIdSchema } from '#agent/contract/worker';
import { canonicalJson } from '#agent/kit/canonical-json';
import { Fault } from '#agent/kit/error';
import { silentLog, type Log } from '#agent/kit/log';
import { verifySignature } from '#agent/kit/signing';
import { tempDir } from '#test/support/temp-dir';
import { lockStateDir, openIdentity, readMachineId } from './identity';

const MACHINE = '0123456789abcdef0123456789abcdef';

function optionsFor(stateDir: string, machineId: string | null = MACHINE, log: Log = silentLog) {
  return { stateDir, hostname: 'lxc-101', machineId, nowMs: 1_700_000_000_000, log };
}

describe('openIdentity()', () => {
  test('makes a key once, private to its user, and keeps it', async () => {
    await using folder = await tempDir();
    const first = openIdentity(optionsFor(folder.path));
    expect(workerIdSchema.safeParse(first.workerId).success).toBe(true);
    expect(first.name).toBe(`lxc-101-${first.workerId.slice(0, 8)}`);
    expect(statSync(join(folder.path, 'identity.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder.path, 'identity.json'), 'utf8')).not.toContain(MACHINE);
    expect(openIdentity(optionsFor(folder.path)).publicKey).toBe(first.publicKey);
  });

  test('keeps a key whose machine is not known, and binds it once it is', async () => {
    await using folder = await tempDir();
    const first = openIdentity(optionsFor(folder.path, null));
    expect(openIdentity(optionsFor(folder.path)).workerId).toBe(first.workerId);
    expect(openIdentity(optionsFor(folder.path, null)).workerId).toBe(first.workerId);
    expect(openIdentity(optionsFor(folder.path, 'f'.repeat(32))).workerId).not.toBe(first.workerId);
  });

  test('gives a copy on another machine its own key and says so', async () => {
    await using folder = await tempDir();
    const first = openIdentity(optionsFor(folder.path));
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    const copy = openIdentity(optionsFor(folder.path, 'f'.repeat(32), log));
    expect(copy.workerId).not.toBe(first.workerId);
    expect(warnings.join()).toContain('another machine');
    expect(openIdentity(optionsFor(folder.path, 'f'.repeat(32))).workerId).toBe(copy.workerId);
  });

  test('refuses a damaged file and does not overwrite it', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'identity.json');
    writeFileSync(path, '{"version":1', { mode: 0o600 });
    expect(() => openIdentity(optionsFor(folder.path))).toThrow('the file is damaged');
    expect(readFileSync(path, 'utf8')).toBe('{"version":1');
  });

  test('closes a key file that others could read', async () => {
    await using folder = await tempDir();
    const first = openIdentity(optionsFor(folder.path));
    chmodSync(join(folder.path, 'identity.json'), 0o644);
    expect(openIdentity(optionsFor(folder.path)).workerId).toBe(first.workerId);
    expect(statSync(join(folder.path, 'identity.json')).mode & 0o777).toBe(0o600);
  });

  test('signs registrations over their canonical JSON', async () => {
    await using folder = await tempDir();
    const identity = openIdentity(optionsFor(folder.path));
    const failed = { state: 'failed', error: 'not looked at' } as const;
    const signed = identity.signRegistration({
      worker_id: identity.workerId,
      name: identity.name,
      label: null,
      public_key: identity.publicKey,
      instance: crypto.randomUUID(),
      endpoint_url: 'http://127.0.0.1:5003',
      version: 'dev',
      commit: 'dev',
      slots: 2,
      capabilities: { cpu: failed, disk: failed, memory: failed },
      leases: [],
    });
    const { signature, ...unsigned } = registrationSchema.parse(JSON.parse(JSON.stringify(signed)));
    expect(verifySignature(identity.publicKey, canonicalJson(unsigned), signature)).toBe(true);
    const forged = canonicalJson({ ...unsigned, slots: 99 });
    expect(verifySignature(identity.publicKey, forged, signature)).toBe(false);
  });
});

describe('lockStateDir()', () => {
  test('names the first agent to the second, and lets it in afterwards', async () => {
    await using folder = await tempDir();
    const stateDir = join(folder.path, 'made', 'on', 'demand');
    const lock = lockStateDir(stateDir);
    const second = (): unknown => lockStateDir(stateDir);
    expect(second).toThrow(`the agent with pid ${process.pid} uses it`);
    expect(second).toThrow(Fault);
    lock.release();
    lockStateDir(stateDir).release();
  });
});

describe('readMachineId()', () => {
  test('takes 32 hex digits and nothing else', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'machine-id');
    expect(readMachineId(path)).toBeNull();
    writeFileSync(path, 'uninitialized\n');
    expect(readMachineId(path)).toBeNull();
    writeFileSync(path, `${MACHINE}\n`);
    expect(readMachineId(path)).toBe(MACHINE);
  });
});
