import { dlopen } from 'bun:ffi';
import { statSync } from 'node:fs';
import postgres from 'postgres';
import { assert } from '#agent/kit/assert';

/**
 * One query on the embedded server of a control plane, as the user that owns its socket directory: the
 * server lets in nobody else (peer authentication). The connection is closed again at once.
 */
export async function queryEmbedded<T extends object>(runtimeDir: string, text: string): Promise<T[]> {
  const directory = `${runtimeDir}/pg`;
  const owner = statSync(directory).uid;
  const sql = postgres({
    path: `${directory}/.s.PGSQL.5432`,
    user: 'ktrdr',
    database: 'ktrdr',
    max: 1,
    fetch_types: false,
    connect_timeout: 5,
    onnotice: () => undefined,
  });
  const root = process.getuid?.() === 0 && owner !== 0;
  if (root) setEffectiveUser(owner);
  try {
    return await sql.unsafe<T[]>(text);
  } finally {
    if (root) setEffectiveUser(0);
    await sql.end({ timeout: 1 });
  }
}

function setEffectiveUser(uid: number): void {
  const libc = dlopen('libc.so.6', { seteuid: { args: ['u32'], returns: 'i32' } });
  assert(libc.symbols.seteuid(uid) === 0, `cannot become user ${uid}`);
}
