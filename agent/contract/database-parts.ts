import type { Environment } from '#agent/kit/config';

/** The names by which a database is told in pieces. */
export const DATABASE_PARTS = ['DB_HOST', 'DB_NAME', 'DB_PASSWORD', 'DB_PORT', 'DB_USER'] as const;

/** A URL of the pieces; undefined without DB_HOST, since nothing but a host says that there is a server. */
export function composeDatabaseUrl(environment: Environment): string | undefined {
  const { DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER } = environment;
  if (!DB_HOST) return undefined;
  const secret = DB_PASSWORD ? `:${encodeURIComponent(DB_PASSWORD)}` : '';
  const user = DB_USER || secret ? `${encodeURIComponent(DB_USER ?? '')}${secret}@` : '';
  // An IPv6 address has colons of its own.
  const host = DB_HOST.includes(':') && !DB_HOST.startsWith('[') ? `[${DB_HOST}]` : DB_HOST;
  return `postgresql://${user}${host}:${DB_PORT || 5432}/${encodeURIComponent(DB_NAME || 'ktrdr')}`;
}

/** The pieces that say something else than a database URL does; none when the URL cannot be read. */
export function contradictedParts(url: string, environment: Environment): string[] {
  if (!URL.canParse(url)) return [];
  const { hostname, port, pathname, username, password } = new URL(url);
  const said: Readonly<Record<(typeof DATABASE_PARTS)[number], string>> = {
    DB_HOST: hostname.replaceAll(/^\[|\]$/g, ''),
    DB_NAME: decoded(pathname.slice(1)),
    DB_PASSWORD: decoded(password),
    DB_PORT: port || '5432',
    DB_USER: decoded(username),
  };
  return DATABASE_PARTS.filter((part) => {
    const given = environment[part];
    return given !== undefined && given !== '' && given.replaceAll(/^\[|\]$/g, '') !== said[part];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
