import postgres from 'postgres';
import { Fault } from '#agent/kit/error';
import type { SocketAddress } from './embedded/server';

/** The embedded server, or any other by its URL (`postgres://user:password@host:port/database`). */
export type DatabaseAddress = { embedded: SocketAddress } | { url: string };

/**
 * Makes the pool; nothing is connected yet. A URL may name the directory of a unix socket as libpq's do
 * (`postgres:///database?host=/run/postgresql`, or encoded in the place of the host), which postgres.js
 * does not know. Fault(settings) when the URL is none.
 */
export function openPool<T extends Record<string, postgres.PostgresType>>(
  address: DatabaseAddress,
  options: postgres.Options<T>,
) {
  if ('embedded' in address) return postgres({ ...address.embedded, ...options });
  const url = parseUrl(address.url);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  url.searchParams.delete('host');
  return postgres(url.href, host.startsWith('/') ? { ...options, host } : options);
}

/** Host and database without user and password: fit for messages. */
export function describeAddress(address: DatabaseAddress): string {
  if ('embedded' in address) return `the embedded database at ${address.embedded.path}`;
  const url = parseUrl(address.url);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.host);
  return `the database ${url.pathname.slice(1) || '(default)'} at ${host || 'localhost'}`;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^postgres(ql)?:$/.test(url.protocol)) return url;
  throw new Fault('settings', 'Cannot read DATABASE_URL: it is not a postgres:// URL', {
    hint: 'set DATABASE_URL=postgres://user:password@host:5432/database',
  });
}
