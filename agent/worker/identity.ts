import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Registration } from '#agent/contract/worker';
import { canonicalJson } from '#agent/kit/canonical-json';
import { writeFileDurably } from '#agent/kit/durable-file';
import { errorCode, Fault } from '#agent/kit/error';
import { readLockHolder, tryLock, type FileLock } from '#agent/kit/flock';
import type { Log } from '#agent/kit/log';
import { generateSigningKey, importSigningKey, keyFingerprint, type SigningKey } from '#agent/kit/signing';

/** Who this node is, for as long as its state directory lives. */
export interface NodeIdentity {
  /** The fingerprint of the public key: 32 hex digits. */
  readonly workerId: string;
  /** Host name and the first 8 digits of the id: tells clones and namesakes apart. */
  readonly name: string;
  /** Raw Ed25519 public key, base64. */
  readonly publicKey: string;
  signRegistration(unsigned: Omit<Registration, 'signature'>): Registration;
}

export interface IdentityOptions {
  stateDir: string;
  hostname: string;
  /** Of /etc/machine-id; null where the host has none. */
  machineId: string | null;
  nowMs: number;
  log: Log;
}

/**
 * Reads `<state_dir>/identity.json`, or makes a key at the first start. A key made on another machine
 * (a copied disk or container) is not used: this node gets a key of its own, and says so.
 * Fault(environment) when the file is damaged or not ours to read; it is never overwritten then.
 */
export function openIdentity(options: IdentityOptions): NodeIdentity {
  const path = join(options.stateDir, IDENTITY_FILE);
  const machine = options.machineId === null ? null : machineBinding(options.machineId);
  const found = readIdentity(path, options.log);
  if (found === undefined) return identityOf(create(path, machine, options), options.hostname);
  const { record, key } = found;
  if (record.machine !== null && machine !== null && record.machine !== machine) {
    const fresh = create(path, machine, options);
    options.log.warn('identity was made on another machine: this node is a copy and gets a key of its own', {
      path,
      former: keyFingerprint(key.publicKey),
      now: keyFingerprint(fresh.publicKey),
    });
    return identityOf(fresh, options.hostname);
  }
  if (record.machine === null && machine !== null)
    writeFileDurably(path, serialize(key, machine, record.created_at));
  return identityOf(key, options.hostname);
}

/** Fault(in_use), which names the first, when another agent runs on this state directory. */
export function lockStateDir(stateDir: string): FileLock {
  makePrivateDirectory(stateDir);
  const path = join(stateDir, LOCK_FILE);
  const lock = tryLock(path);
  if (lock !== undefined) return lock;
  const holder = readLockHolder(path);
  const who = holder === undefined ? 'another agent' : `the agent with pid ${holder.pid}`;
  throw new Fault('in_use', `Cannot start an agent on ${stateDir}: ${who} uses it`, {
    hint: 'stop that agent, or set another state_dir (KTRDR_STATE_DIR), runtime_dir and worker_port',
    details: { path, ...(holder === undefined ? {} : { pid: holder.pid, since_ms: holder.sinceMs }) },
  });
}

/** The id of /etc/machine-id (machine-id(5)); null where there is none, as in many containers. */
export function readMachineId(path = '/etc/machine-id'): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[0-9a-f]{32}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** What the identity file says, for `doctor`: nothing is made, mended or kept. */
export type IdentityReport = { path: string } & (
  | { state: 'missing' }
  | { state: 'unreadable'; code: string }
  | { state: 'damaged' }
  | {
      state: 'present';
      workerId: string;
      /** Permission bits. */
      mode: number;
      bound: 'here' | 'elsewhere' | 'unbound';
    }
);

export function inspectIdentity(stateDir: string, machineId: string | null): IdentityReport {
  const path = join(stateDir, IDENTITY_FILE);
  try {
    const mode = statSync(path).mode & 0o777;
    const found = parseIdentity(readFileSync(path, 'utf8'));
    if (found === undefined) return { path, state: 'damaged' };
    const { machine } = found.record;
    const here = machineId === null ? null : machineBinding(machineId);
    const bound = machine === null || here === null ? 'unbound' : machine === here ? 'here' : 'elsewhere';
    return { path, state: 'present', workerId: keyFingerprint(found.key.publicKey), mode, bound };
  } catch (error) {
    const code = errorCode(error) ?? 'failed';
    return code === 'ENOENT' ? { path, state: 'missing' } : { path, state: 'unreadable', code };
  }
}

const IDENTITY_FILE = 'identity.json';
const LOCK_FILE = 'agent.lock';
const HOSTNAME_LENGTH_MAX = 100;

const identityRecordSchema = z.object({
  version: z.literal(1),
  algorithm: z.literal('ed25519'),
  private_key: z.string().max(200),
  machine: z.string().nullable(),
  created_at: z.string(),
});
type IdentityRecord = z.infer<typeof identityRecordSchema>;

function identityOf(key: SigningKey, hostname: string): NodeIdentity {
  const workerId = keyFingerprint(key.publicKey);
  return {
    workerId,
    name: `${hostname.slice(0, HOSTNAME_LENGTH_MAX)}-${workerId.slice(0, 8)}`,
    publicKey: key.publicKey,
    signRegistration: (unsigned) => ({ ...unsigned, signature: key.sign(canonicalJson(unsigned)) }),
  };
}

function create(path: string, machine: string | null, options: IdentityOptions): SigningKey {
  const key = generateSigningKey();
  writeFileDurably(path, serialize(key, machine, new Date(options.nowMs).toISOString()));
  options.log.info('made the identity of this node', { path, worker_id: keyFingerprint(key.publicKey) });
  return key;
}

function serialize(key: SigningKey, machine: string | null, createdAt: string): string {
  const record: IdentityRecord = {
    version: 1,
    algorithm: 'ed25519',
    private_key: key.exportPrivateKey(),
    machine,
    created_at: createdAt,
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

function readIdentity(path: string, log: Log): { record: IdentityRecord; key: SigningKey } | undefined {
  const text = readPrivate(path, log);
  if (text === undefined) return undefined;
  const found = parseIdentity(text);
  if (found !== undefined) return found;
  throw new Fault('environment', `Cannot read the identity of this node in ${path}: the file is damaged`, {
    hint: `restore it from a backup, or remove it: the node then starts anew under another name`,
  });
}

function parseIdentity(text: string): { record: IdentityRecord; key: SigningKey } | undefined {
  const record = identityRecordSchema.safeParse(parseJson(text)).data;
  const key = record === undefined ? undefined : importSigningKey(record.private_key);
  return record === undefined || key === undefined ? undefined : { record, key };
}

function readPrivate(path: string, log: Log): string | undefined {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      chmodSync(path, 0o600);
      log.warn('others could read the key of this node; its mode is 0600 again', {
        path,
        mode: mode.toString(8),
      });
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    const state = errorCode(cause) ?? 'failed';
    throw new Fault('environment', `Cannot read the identity of this node in ${path}: ${state}`, {
      cause,
      hint: 'run the agent as the user that owns its state directory',
    });
  }
}

/** A machine id must not be shown to others (machine-id(5)), hence its hash under our own name. */
function machineBinding(machineId: string): string {
  return new Bun.CryptoHasher('sha256').update(`ktrdr-agent machine ${machineId}`).digest('hex');
}

function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault('environment', `Cannot make the state directory ${path}: ${errorCode(cause)}`, {
      cause,
      hint: 'set state_dir (KTRDR_STATE_DIR) to a directory that this user may write',
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
