import { Fault } from './error';

/**
 * JSON with sorted keys and no white space (RFC 8785), so that equal values have equal bytes on every
 * host. Throws Fault `invalid` naming the path of a value that JSON cannot say: NaN, infinities,
 * undefined, functions, bigints, class instances.
 */
export function canonicalJson(value: unknown): string {
  return serialize(value, []);
}

/** SHA-256 of the canonical JSON in hex. */
export function canonicalSha256(value: unknown): string {
  return new Bun.CryptoHasher('sha256').update(canonicalJson(value)).digest('hex');
}

const DEPTH_MAX = 64;

function serialize(value: unknown, path: string[]): string {
  if (path.length > DEPTH_MAX) throw unspeakable(path, `it is nested deeper than ${DEPTH_MAX}`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw unspeakable(path, `it is ${value}`);
      return JSON.stringify(value);
    case 'object':
      return serializeObject(value, path);
    default:
      throw unspeakable(path, `it is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}`);
  }
}

function serializeObject(value: object | null, path: string[]): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    // `map` would skip holes, which are undefined like any other absent value.
    return `[${Array.from(value, (item, index) => serialize(item, [...path, String(index)])).join(',')}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw unspeakable(path, `it is a ${value.constructor.name}`);
  }
  // The default sort compares UTF-16 code units, as RFC 8785 demands.
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const members = entries.map(
    ([key, member]) => `${JSON.stringify(key)}:${serialize(member, [...path, key])}`,
  );
  return `{${members.join(',')}}`;
}

function unspeakable(path: readonly string[], state: string): Fault {
  return new Fault('invalid', `Cannot write ${path.join('.') || 'the value'} as JSON: ${state}`);
}
