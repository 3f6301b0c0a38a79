import { join } from 'node:path';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import { urlHost } from '#agent/kit/ip-address';
import { listenFault } from '#agent/kit/listen-fault';
import type { Log } from '#agent/kit/log';
import { createMetrics } from '#agent/kit/metrics';
import { systemRng } from '#agent/kit/rng';
import { createApp } from '#control/http/app';
import { BarsFiles } from '#control/http/bars-files';
import type { ControlContext } from '#control/http/context';
import { fleetMetrics, httpMetrics } from '#control/http/http-metrics';
import { Changes } from '#control/schedule/changes';
import { claimFor } from '#control/schedule/claim';
import { Dispatcher } from '#control/schedule/dispatcher';
import { LeaseSweeper } from '#control/schedule/lease-sweeper';
import { sweepLeases } from '#control/schedule/sweep-leases';
import type { VerdictBasis } from '#control/schedule/verdict';
import { barsSource } from '#control/store/bars-source';
import { connect, type Database } from '#control/store/connect';
import { startEmbedded, type EmbeddedServer } from '#control/store/embedded/server';
import { listen as listenOn, Notifier } from '#control/store/listen';
import { migrate } from '#control/store/migrate';
import { transaction as inTransaction } from '#control/store/transaction';
import { ensureToken } from './api-token';
import { becomeControlUser } from './control-user';
import { startControlGossip } from './gossip/control-gossip';
import { openFleetKeys, type NodeGossip } from './gossip/node-gossip';
import { requireLoopbackOrInsecure } from './listen-address';
import type { LoadedSettings } from './settings';

/** A running control plane. Disposing it ends requests, then the loops, then the database. */
export interface ControlPlane extends AsyncDisposable {
  url: string;
  token: string;
  /** Tells the fleet that it goes; requests are still answered. */
  leave(): Promise<void>;
}

/** Requests under way may take this long after a stop. */
const DRAIN_MS = 3000;
/** Long polls and streams must outlive Bun's default of 10 s; 255 s is the most it allows. */
const IDLE_TIMEOUT_S = 255;

/** Starts the control plane: its user, its database, the schema, the loops, and last the API. */
export async function startControl(
  settings: LoadedSettings,
  dependencies: { log: Log; clock: Clock },
): Promise<ControlPlane> {
  const { values } = settings;
  const { log } = dependencies;
  requireLoopbackOrInsecure('api_host', values.api_host, values.insecure);
  await becomeControlUser(
    values.run_as,
    [
      { setting: 'state_dir', path: values.state_dir, mode: 0o755 },
      { setting: 'runtime_dir', path: values.runtime_dir, mode: 0o755 },
      { setting: 'cache_dir', path: values.cache_dir, mode: 0o755 },
    ],
    log,
  );
  await using stack = new AsyncDisposableStack();
  const hold: { sweeper?: LeaseSweeper } = {};
  const embedded = await startDatabase(settings, {
    ...dependencies,
    onRestart: () => hold.sweeper?.hold('the database restarted'),
  });
  if (embedded) stack.use(embedded);
  const database = stack.use(await connectTo(settings, embedded, log));
  const applied = await migrate(database);
  if (applied.length > 0) log.info('schema migrated', { migrations: applied.join(', ') });
  const token = await ensureToken(values.token_file);
  // Before anybody is answered: agents on this machine may share the file.
  if (values.gossip) await openFleetKeys(settings);
  const held: { gossip?: NodeGossip } = {};

  const stopping = new AbortController();
  const context = createContext(settings, {
    stopping: stopping.signal,
    database,
    embedded: embedded !== undefined,
    stack,
    gossip: () => held.gossip,
    ...dependencies,
  });
  hold.sweeper = context.sweeper;
  stack.use(await listenForWork(context));
  const server = listen(settings, context, token);
  stack.defer(() => stopServing(server, context, stopping));
  const gossip = await startControlGossip(settings, {
    ...dependencies,
    rng: systemRng,
    apiPort: server.port ?? values.api_port,
  });
  if (gossip !== undefined) held.gossip = stack.use(gossip);
  const url = `http://${urlHost(values.api_host)}:${server.port}`;
  await embedded?.announce(url);
  log.info('control plane ready', { url, database: context.databaseKind, version: buildInfo.version });
  const owned = stack.move();
  return {
    url,
    token,
    leave: async () => await gossip?.leave(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startDatabase(
  { values }: LoadedSettings,
  options: { log: Log; clock: Clock; onRestart: () => void },
): Promise<EmbeddedServer | undefined> {
  if (values.database_url !== undefined) return undefined;
  return await startEmbedded({
    stateDir: values.state_dir,
    runtimeDir: values.runtime_dir,
    cacheDir: values.cache_dir,
    log: options.log,
    clock: options.clock,
    onRestart: options.onRestart,
  });
}

async function connectTo(
  { values }: LoadedSettings,
  embedded: EmbeddedServer | undefined,
  log: Log,
): Promise<Database> {
  if (embedded) return await connect({ address: { embedded: embedded.address }, log });
  return await connect({ address: { url: values.database_url ?? '' }, log });
}

/** Polls and streams, which would go on for long, are answered at once; what else is under way may end. */
async function stopServing(
  server: Bun.Server<undefined>,
  { dispatcher, clock }: ControlContext,
  stopping: AbortController,
): Promise<void> {
  stopping.abort();
  await dispatcher[Symbol.asyncDispose]();
  const drained = new AbortController();
  await Promise.race([server.stop(), clock.sleep(DRAIN_MS, drained.signal)]);
  drained.abort();
  await server.stop(true);
}

interface ContextParts {
  stopping: AbortSignal;
  database: Database;
  embedded: boolean;
  /** Undefined until it runs, and where it is switched off. */
  gossip: () => NodeGossip | undefined;
  stack: AsyncDisposableStack;
  log: Log;
  clock: Clock;
}

/** Other control planes on the same database submit and end work too; each LISTEN looks again. */
const WORK_CHANNEL = 'ktrdr_work';

async function listenForWork({ database, dispatcher }: ControlContext): Promise<AsyncDisposable> {
  const wake = (): void => dispatcher.wake();
  return await listenOn(database, { channel: WORK_CHANNEL, onNotify: wake, onListening: wake });
}

function createContext({ values }: LoadedSettings, parts: ContextParts): ControlContext {
  const { database, stack, log, clock } = parts;
  const times: VerdictBasis = {
    heartbeatMs: values.heartbeat,
    leaseMs: values.lease,
    gossip: (nodeId) => parts.gossip()?.fleet.of(nodeId),
  };
  const changes = new Changes();
  const transaction: ControlContext['transaction'] = (work) => inTransaction(database, work);
  const dispatcher = stack.use(
    new Dispatcher({ log, clock, claimFor: (poll) => transaction((sql) => claimFor(sql, poll, times)) }),
  );
  const notifier = stack.use(new Notifier(database, clock));
  const changed: ControlContext['changed'] = (id, parentId) =>
    changes.emit({ type: 'operation', id, parentId });
  const sweeper = stack.use(
    new LeaseSweeper({
      clock,
      log,
      leaseMs: values.lease,
      periodMs: Math.min(1000, values.lease / 4),
      sweep: (options) => sweepLeases({ sql: database.sql, transaction }, options),
      onTaken: (ids) => {
        log.warn('leases taken back', { operations: ids.slice(0, 10).join(' '), count: ids.length });
        for (const id of ids) changed(id, null);
        dispatcher.wake();
      },
    }),
  );
  const metrics = createMetrics();
  fleetMetrics(metrics, { sql: database.sql, times });
  return {
    stopping: parts.stopping,
    database,
    databaseKind: parts.embedded ? 'embedded' : 'external',
    transaction,
    clock,
    rng: systemRng,
    log,
    build: buildInfo,
    times,
    gossip: () => parts.gossip()?.api,
    changes,
    dispatcher,
    sweeper,
    barsFiles: new BarsFiles({
      directory: join(values.cache_dir, 'pinned-bars'),
      sql: database.sql,
      source: barsSource(database),
    }),
    metrics,
    startedAt: new Date(clock.nowMs()).toISOString(),
    wake: () => {
      dispatcher.wake();
      notifier.notify(WORK_CHANNEL);
    },
    changed,
  };
}

function listen({ values }: LoadedSettings, context: ControlContext, token: string): Bun.Server<undefined> {
  const app = createApp({
    context,
    token,
    tokenFile: values.token_file,
    hosts: [values.api_host, ...values.allowed_hosts],
    httpMetrics: httpMetrics(context.metrics),
  });
  try {
    return Bun.serve({
      hostname: values.api_host,
      port: values.api_port,
      idleTimeout: IDLE_TIMEOUT_S,
      // The endpoints judge the size themselves, with an answer that says why.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request) => app.fetch(request),
      error: (error) => {
        context.log.error('request failed', { error: describeError(error) });
        return new Response('internal error', { status: 500 });
      },
    });
  } catch (cause) {
    const { api_host: host, api_port: port } = values;
    throw listenFault(
      { host, port, hostSetting: 'api_host (API_HOST)', portSetting: 'api_port (API_PORT)' },
      cause,
    );
  }
}
