import { randomBytes } from 'node:crypto';
import { chownSync, linkSync, readFileSync, rmSync, statSync } from 'node:fs';
import { z } from 'zod';
import { writeFault, writeFileDurably } from '#agent/kit/durable-file';
import { errorCode, Fault } from '#agent/kit/error';
import { isKey, type Keyring } from '#agent/gossip/wire/seal';

const KEY_BYTES = 32;
const KEYS_MAX = 16;
const FILE_BYTES_MAX = 16 * 1024;

const contentSchema = z.array(z.base64()).min(1).max(KEYS_MAX);

/**
 * The keys of the fleet: a JSON list of base64 keys, the first one sealing, in a file of mode 0600; the
 * format of Serf's own keyring files. Fault(settings) names the file and what is wrong with it.
 */
export function readKeyring(path: string): Keyring | undefined {
  const text = readPrivate(path);
  if (text === undefined) return undefined;
  const parsed = contentSchema.safeParse(parseJson(text));
  if (!parsed.success) throw unusable(path, 'it is not a JSON list of base64 keys');
  const [first, ...others] = parsed.data.map((key) => new Uint8Array(Buffer.from(key, 'base64')));
  if (first === undefined || ![first, ...others].every(isKey)) {
    throw unusable(path, 'a key has not 16, 24 or 32 bytes');
  }
  return [first, ...others];
}

/** The keys of the file; a new one is made for a fleet that has none yet. */
export function openKeyring(path: string): Keyring {
  const found = readKeyring(path);
  if (found !== undefined) return found;
  const made: Keyring = [new Uint8Array(randomBytes(KEY_BYTES))];
  return makeKeyring(path, made) ? made : openKeyring(path);
}

/** False when another process of this machine was first: two keys would be two fleets. */
function makeKeyring(path: string, keyring: Keyring): boolean {
  const whole = `${path}.${process.pid}.new`;
  try {
    writeKeyring(whole, keyring);
    linkSync(whole, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error instanceof Fault ? error : writeFault(path, error);
  } finally {
    rmSync(whole, { force: true });
  }
}

export function writeKeyring(path: string, keyring: readonly Uint8Array[]): void {
  const keys = keyring.map((key) => Buffer.from(key).toString('base64'));
  const owner = ownerOf(path);
  writeFileDurably(path, `${JSON.stringify(keys, null, 2)}\n`, 0o600);
  // An agent of root may share the file with a control plane that is not.
  if (owner !== undefined && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
}

function ownerOf(path: string): { uid: number; gid: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function readPrivate(path: string): string | undefined {
  try {
    const { mode, size } = statSync(path);
    if ((mode & 0o077) !== 0) {
      throw unusable(path, 'other users may read it', `run: chmod 600 ${path}`);
    }
    if (size > FILE_BYTES_MAX) throw unusable(path, `it is larger than ${FILE_BYTES_MAX} bytes`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause instanceof Fault ? cause : unusable(path, errorCode(cause) ?? 'it failed');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unusable(path: string, state: string, hint?: string): Fault {
  return new Fault('settings', `Cannot use the keyring ${path}: ${state}`, {
    hint: hint ?? `copy it from another machine of the fleet, or remove it to begin a fleet of its own`,
  });
}
