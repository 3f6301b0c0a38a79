import { createCipheriv, createDecipheriv } from 'node:crypto';
import { assert } from '#agent/kit/assert';
import { WireError } from './wire-error';

/** AES keys of 16, 24 or 32 bytes. The first one seals, all of them open. */
export type Keyring = readonly [Uint8Array, ...Uint8Array[]];

/** Version 1 is AES-GCM; version 0, which old peers send, pads to blocks as well (PKCS #7). */
const VERSION = 1;
const VERSION_PADDED = 0;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** What sealing adds to a message: version, nonce and tag. */
export const SEAL_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** So many random bytes; the only randomness of this folder, given from outside. */
export type RandomBytes = (count: number) => Uint8Array;

/** version | nonce | ciphertext | tag, under the first key. `bound` is authenticated, not sent. */
export function seal(plain: Uint8Array, keyring: Keyring, options: SealOptions): Buffer {
  const [key] = keyring;
  const nonce = options.random(NONCE_BYTES);
  assert(nonce.length === NONCE_BYTES, 'a nonce has 12 bytes');
  const cipher = createCipheriv(algorithm(key), key, nonce);
  cipher.setAAD(options.bound);
  const body = cipher.update(plain);
  const rest = cipher.final();
  return Buffer.concat([Uint8Array.of(VERSION), nonce, body, rest, cipher.getAuthTag()]);
}

export interface SealOptions {
  bound: Uint8Array;
  random: RandomBytes;
}

/** The message inside, by whichever key fits. Throws WireError(undecryptable). */
export function unseal(sealed: Uint8Array, keyring: Keyring, bound: Uint8Array): Uint8Array {
  const version = sealed[0];
  const isPadded = version === VERSION_PADDED;
  if (version !== VERSION && !isPadded) throw undecryptable('it is not encrypted, or by an unknown version');
  if (sealed.length < SEAL_BYTES) throw undecryptable('it is too short to be encrypted');
  for (const key of keyring) {
    const plain = decrypt(sealed, key, bound);
    if (plain !== undefined) return isPadded ? withoutPadding(plain) : plain;
  }
  throw undecryptable('no key of the keyring opens it');
}

/** Whether AES takes a key of this length: 128, 192 or 256 bits. */
export function isKey(key: Uint8Array): boolean {
  return key.length === 16 || key.length === 24 || key.length === 32;
}

function decrypt(sealed: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer | undefined {
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv(algorithm(key), key, nonce);
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES));
  try {
    const rest = decipher.final();
    return rest.length === 0 ? plain : Buffer.concat([plain, rest]);
  } catch {
    // The tag does not fit: another key, or somebody tampered.
    return undefined;
  }
}

function withoutPadding(plain: Buffer): Buffer {
  const padding = plain.at(-1) ?? 0;
  if (padding === 0 || padding > BLOCK_BYTES || padding > plain.length) {
    throw undecryptable('its padding is not one');
  }
  return plain.subarray(0, -padding);
}

function algorithm(key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  assert(isKey(key), 'a key has 16, 24 or 32 bytes');
  if (key.length === 16) return 'aes-128-gcm';
  return key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm';
}

function undecryptable(why: string): WireError {
  return new WireError('undecryptable', why);
}
