import { timingSafeEqual } from 'node:crypto';
import { isKey } from '#agent/gossip/wire/seal';
import { encodeSerf, readSerf, type KeyResponse } from '#agent/gossip/wire/serf-messages';

/** The queries by which one node changes the keys of all; names are Serf's. */
export const KEY_QUERY = {
  install: '_serf_install-key',
  use: '_serf_use-key',
  remove: '_serf_remove-key',
  list: '_serf_list-keys',
} as const;

/** Keys that a node holds at most: a rotation has two. */
const KEYS_MAX = 16;

export interface KeyAnswer {
  readonly response: KeyResponse;
  /** The keyring afterwards, the first one sealing; undefined when it did not change. */
  readonly keys: readonly Uint8Array[] | undefined;
}

/**
 * One node's part of a key query. `keys` is null where nothing is encrypted; then every change fails,
 * since a group that turns encryption on node by node falls apart.
 */
export function answerKeyQuery(
  name: string,
  payload: Uint8Array,
  keys: readonly Uint8Array[] | null,
): KeyAnswer | undefined {
  const change = CHANGES[name];
  if (change === undefined) return undefined;
  if (keys === null || keys.length === 0) return refusal('encryption is not enabled on this node', []);
  if (name === KEY_QUERY.list) return { response: response(true, '', keys), keys: undefined };
  const key = keyOf(payload);
  if (key === undefined) return refusal('a key has 16, 24 or 32 bytes', keys);
  const outcome = change(keys, key);
  if (typeof outcome === 'string') return refusal(outcome, keys);
  return { response: response(true, '', outcome), keys: outcome };
}

type Change = (keys: readonly Uint8Array[], key: Uint8Array) => readonly Uint8Array[] | string;

const CHANGES: Readonly<Record<string, Change>> = {
  [KEY_QUERY.list]: (keys) => keys,
  [KEY_QUERY.install](keys, key) {
    if (holds(keys, key)) return keys;
    return keys.length >= KEYS_MAX ? `it holds ${KEYS_MAX} keys already` : [...keys, key];
  },
  [KEY_QUERY.use](keys, key) {
    if (!holds(keys, key)) return 'it does not hold that key: install it first';
    return [key, ...keys.filter((other) => !isSame(other, key))];
  },
  [KEY_QUERY.remove](keys, key) {
    const [first] = keys;
    if (first !== undefined && isSame(first, key)) return 'that key is in use: use another one first';
    return keys.filter((other) => !isSame(other, key));
  },
};

function keyOf(payload: Uint8Array): Uint8Array | undefined {
  const message = readSerf(payload);
  if (message.kind !== 'keyRequest') return undefined;
  return isKey(message.value.Key) ? message.value.Key : undefined;
}

function holds(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some((other) => isSame(other, key));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function refusal(message: string, keys: readonly Uint8Array[]): KeyAnswer {
  return { response: response(false, message, keys), keys: undefined };
}

function response(Result: boolean, Message: string, keys: readonly Uint8Array[]): KeyResponse {
  const Keys = keys.map((key) => Buffer.from(key).toString('base64'));
  return { Result, Message, Keys, PrimaryKey: Keys[0] ?? '' };
}

/** The payload of a query that changes keys. */
export function keyRequest(key: Uint8Array): Uint8Array {
  return encodeSerf({ kind: 'keyRequest', value: { Key: key } });
}
