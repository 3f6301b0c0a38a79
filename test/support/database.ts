import { describe } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type postgres from 'postgres';
import { assert } from '#agent/kit/assert';
import { systemClock } from '#agent/kit/clock';
import { tryLock } from '#agent/kit/flock';
import { silentLog } from '#agent/kit/log';
import { lookupUser, type User } from '#agent/kit/process';
import { openPool } from '#control/store/address';
import { connect, type ConnectOptions, type Database } from '#control/store/connect';
import { installPostgres } from '#control/store/embedded/install';
import { migrate } from '#control/store/migrate';
import { waitUntil } from './wait-until';

/** A PostgreSQL for tests: started at first use, shared by all test files of this process. */
export interface TestServer {
  readonly name: string;
  /** Starts it if need be. */
  start(): Promise<RunningServer>;
}

export interface RunningServer {
  /** Directory of the unix socket, for programs that want host and port. */
  readonly socketDirectory: string;
  urlOf(database: string): string;
}

export interface FreshDatabase extends AsyncDisposable {
  readonly database: Database;
  /** For a second connection or another process. */
  readonly url: string;
  readonly name: string;
}

/** The server that the binary carries. */
export const embeddedServer: TestServer = lazyServer('PostgreSQL 18 (embedded)', async () => {
  const cache = join(tmpdir(), `kt-test-postgresql-${process.getuid?.() ?? 0}`);
  const { postgres: path, initdb } = await installPostgres(cache, systemClock);
  return { postgres: path, initdb };
});

/** Debian's package postgresql-15, for what outside servers must do too. */
export const debianServer: TestServer = lazyServer('PostgreSQL 15 (Debian)', () =>
  Promise.resolve({ postgres: join(DEBIAN_BIN, 'postgres'), initdb: join(DEBIAN_BIN, 'initdb') }),
);

/** Runs a suite of store tests on the embedded server and, where it is installed, on Debian's. */
export function describeOnEachServer(name: string, suite: (server: TestServer) => void): void {
  describe(`${name} on ${embeddedServer.name}`, () => suite(embeddedServer));
  const missing = debianServerMissing();
  if (missing !== undefined) console.log(`skipped: ${name} on ${debianServer.name}: ${missing}`);
  describe.skipIf(missing !== undefined)(`${name} on ${debianServer.name}`, () => suite(debianServer));
}

/** Why Debian's server cannot be used here; undefined when it can. */
export function debianServerMissing(): string | undefined {
  return existsSync(join(DEBIAN_BIN, 'postgres'))
    ? undefined
    : `${DEBIAN_BIN} is missing (apt-get install postgresql-15)`;
}

/**
 * A migrated database of its own, copied from a template in some 50 ms: one for each test file, or for
 * each test that needs an empty one. Dropped when disposed.
 */
export async function freshDatabase(
  server: TestServer = embeddedServer,
  options: Partial<ConnectOptions> = {},
): Promise<FreshDatabase> {
  const running = await server.start();
  const name = `test_${process.pid}_${++databasesMade}`;
  await administer(running, (sql) => sql`create database ${sql(name)} template ${sql(TEMPLATE)}`);
  const url = running.urlOf(name);
  const database = await connect({ address: { url }, log: silentLog, connectionsMax: 5, ...options });
  return {
    database,
    url,
    name,
    [Symbol.asyncDispose]: async () => {
      await database.close(1_000);
      await administer(running, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
    },
  };
}

/** Whom servers run as when the tests run as root; undefined when they do not. */
export function unprivilegedUser(): User | undefined {
  return process.getuid?.() === 0 ? (lookupUser('postgres') ?? lookupUser('nobody')) : undefined;
}

const DEBIAN_BIN = '/usr/lib/postgresql/15/bin';
const TEMPLATE = 'ktrdr_template';
let databasesMade = 0;

interface Programs {
  postgres: string;
  initdb: string;
}

function lazyServer(name: string, programs: () => Promise<Programs>): TestServer {
  let running: Promise<RunningServer> | undefined;
  return {
    name,
    start: () => {
      running ??= programs().then(startServer);
      return running;
    },
  };
}

/**
 * Runs initdb and the server below a shell that waits for a lock of this process: when this process ends,
 * however it ends, the kernel frees the lock, and the shell kills the server and removes its directory.
 */
async function startServer({ postgres: program, initdb }: Programs): Promise<RunningServer> {
  const directory = await mkdtemp(join(tmpdir(), 'kt-pg-'));
  await chmod(directory, 0o700);
  const user = unprivilegedUser();
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  const alive = join(directory, 'alive');
  assert(tryLock(alive) !== undefined, 'a new file is locked');
  await chmod(alive, 0o644);
  const launcher = Bun.spawn(['sh', '-c', LAUNCHER, 'launcher', KEEPER, directory, program, initdb], {
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'ignore'],
    // Ctrl-C ends the tests, and by that the lock; the shell itself must live to clean up.
    detached: true,
  });
  await launcher.exited;
  const running: RunningServer = {
    socketDirectory: directory,
    urlOf: (database) => `postgres://ktrdr@${encodeURIComponent(directory)}:5432/${database}`,
  };
  await waitUntil(`PostgreSQL in ${directory}`, () => administer(running, (sql) => sql`select 1`), {
    timeoutMs: 60_000,
    everyMs: 30,
  });
  await administer(running, (sql) => sql`create database ${sql(TEMPLATE)}`);
  await using template = await connect({ address: { url: running.urlOf(TEMPLATE) }, log: silentLog });
  await migrate(template);
  return running;
}

// The runner kills the children of a test that timed out: the shell must not be one of them.
const LAUNCHER = 'keeper=$1; shift; sh -c "$keeper" keeper "$@" &';
const KEEPER = `
  directory=$1 program=$2 initdb=$3
  "$initdb" -D "$directory/data" -U ktrdr -A trust -E UTF8 --no-locale --no-sync >"$directory/log" 2>&1 || exit 1
  "$program" -D "$directory/data" -k "$directory" -c listen_addresses= -c fsync=off \
    -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB >>"$directory/log" 2>&1 &
  server=$!
  flock "$directory/alive" true
  # A server that is just starting ignores the signal, as all that a shell starts with & do at first.
  for attempt in 1 2 3 4 5; do kill -QUIT $server 2>/dev/null; sleep 0.2; done
  wait $server
  rm -rf "$directory"
`;

async function administer<T>(
  running: RunningServer,
  work: (sql: postgres.Sql) => PromiseLike<T>,
): Promise<T> {
  const sql = openPool({ url: running.urlOf('postgres') }, { max: 1, fetch_types: false, onnotice() {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
