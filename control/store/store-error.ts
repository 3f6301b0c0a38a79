import { errorCode, Fault, type FaultCode, type FaultOptions } from '#agent/kit/error';
import type { Sql } from './connect';

/**
 * What the world does to a database becomes a Fault; what a statement did wrong stays a PostgresError.
 * Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html and those of postgres.js.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const code = errorCode(error) ?? '';
  const mapping = /No space left on device|Disk quota exceeded/.test(error.message)
    ? DISK_FULL
    : (MAPPINGS[code] ?? (code.startsWith('08') ? UNAVAILABLE : undefined));
  if (mapping === undefined) return error;
  return new Fault(mapping.fault, mapping.message, { ...mapping.options, cause: error });
}

interface Mapping {
  fault: FaultCode;
  message: string;
  options: FaultOptions;
}

const UNAVAILABLE: Mapping = {
  fault: 'unavailable',
  message: 'Cannot reach the database: the connection failed',
  options: { hint: 'it is tried again; see `ktrdr-agent status`' },
};
const DISK_FULL: Mapping = {
  fault: 'disk_full',
  message: 'Cannot write to the database: its disk is full',
  options: { hint: 'free space where the database is (state_dir, or the server of DATABASE_URL)' },
};
const LOGIN: Mapping = {
  fault: 'settings',
  message: 'Cannot log in to the database',
  options: { hint: 'check user, password and database of DATABASE_URL' },
};

/** Never `internal`, which agents send again for ever. */
const UNSTORABLE: Mapping = {
  fault: 'invalid',
  message: 'Cannot store this text: it has a character that PostgreSQL does not take',
  options: { hint: 'leave out NUL characters' },
};

const MAPPINGS: Readonly<Record<string, Mapping>> = {
  // Shut down by an operator, crashed, starting up.
  '57P01': UNAVAILABLE,
  '57P02': UNAVAILABLE,
  '57P03': UNAVAILABLE,
  '57P05': UNAVAILABLE,
  // Ended because its transaction idled, e.g. since this process was stopped.
  '25P03': UNAVAILABLE,
  ECONNREFUSED: UNAVAILABLE,
  ECONNRESET: UNAVAILABLE,
  ENOENT: UNAVAILABLE,
  ENOTFOUND: UNAVAILABLE,
  EPIPE: UNAVAILABLE,
  EHOSTUNREACH: UNAVAILABLE,
  ETIMEDOUT: UNAVAILABLE,
  CONNECT_TIMEOUT: UNAVAILABLE,
  CONNECTION_CLOSED: UNAVAILABLE,
  CONNECTION_DESTROYED: UNAVAILABLE,
  CONNECTION_ENDED: UNAVAILABLE,
  '53300': {
    fault: 'unavailable',
    message: 'Cannot reach the database: it has too many connections',
    options: { hint: 'raise max_connections of the server, or end other clients' },
  },
  '53100': DISK_FULL,
  '57014': {
    fault: 'timeout',
    message: 'Cannot finish the statement: it took too long and was cancelled',
    options: {},
  },
  '22021': UNSTORABLE,
  '22P05': UNSTORABLE,
  '28000': LOGIN,
  '28P01': LOGIN,
  '3D000': LOGIN,
};

/** Every statement and transaction of this `sql` rejects with mapped errors, also those of callers who forget. */
export function withStoreErrors(raw: Sql): Sql {
  return new Proxy(raw, {
    apply: (target, self, args): unknown => mapRejection(Reflect.apply(target, self, args)),
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      // Inside a transaction errors stay as they are, since code there tells them apart by their codes.
      if (name === 'begin') {
        return (...args: unknown[]): unknown => mapPromise(Reflect.apply(value, target, args));
      }
      if (name === 'unsafe') {
        return (...args: unknown[]): unknown => mapRejection(Reflect.apply(value, target, args));
      }
      return value;
    },
  });
}

async function mapPromise(work: unknown): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** A pending query settles through its own `reject`; identifiers and value lists have none and pass. */
function mapRejection(query: unknown): unknown {
  if (!isPending(query)) return query;
  const reject = query.reject.bind(query);
  query.reject = (error) => reject(toStoreError(error));
  return query;
}

function isPending(query: unknown): query is { reject: (error: unknown) => void } {
  return query instanceof Promise && 'reject' in query && typeof query.reject === 'function';
}
