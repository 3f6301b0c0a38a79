import type { FleetStatus } from '#agent/contract/fleet';
import type { Worker } from '#agent/contract/worker';
import { countOperations, findOperation } from '#control/store/operations';
import { findNode, listNodes } from '#control/store/nodes';
import { schemaVersion } from '#control/store/migrate';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';
import { eventStream, ticks, type ServerSentEvent } from '#control/http/sse';
import { operationOnWire, workerOnWire } from '#control/http/wire';
import type { Change } from '#control/schedule/changes';

export function fleetHandlers(context: ControlContext): Pick<Handlers, 'getStatus' | 'streamEvents'> {
  return {
    async getStatus() {
      return { success: true, data: await fleetStatus(context) };
    },
    async streamEvents({ signal }) {
      return eventStream(fleetEvents(context, AbortSignal.any([signal, context.stopping])));
    },
  };
}

export async function fleetStatus(context: ControlContext): Promise<FleetStatus> {
  const { database, clock, sweeper, build, times } = context;
  const workers = (await listNodes(database.sql)).map((row) => workerOnWire(row, times));
  const operations = await countOperations(database.sql);
  const reasons = reasonsOf(workers);
  const heldForMs = sweeper.heldForMs;
  return {
    state: reasons.length === 0 ? 'ok' : 'degraded',
    reasons,
    control: {
      version: build.version,
      commit: build.commit,
      started_at: context.startedAt,
      database: {
        state: 'ok',
        kind: context.databaseKind,
        server_version: versionText(database.serverVersion),
        schema_version: await schemaVersion(database),
      },
      leases_held_until: heldForMs > 0 ? new Date(clock.nowMs() + heldForMs).toISOString() : null,
    },
    workers,
    gossip: context.gossip()?.state().counts ?? null,
    operations: {
      pending: operations.pending,
      running: operations.running,
      completed_24h: operations.completed24h,
      failed_24h: operations.failed24h,
    },
    generated_at: new Date(clock.nowMs()).toISOString(),
  };
}

const TROUBLED: ReadonlySet<Worker['verdict']['state']> = new Set([
  'cut-off',
  'degraded',
  'lost',
  'quarantined',
]);

/** Agents that stopped on purpose are no reason to worry. */
function reasonsOf(workers: readonly Worker[]): string[] {
  const reasons = workers
    .filter((worker) => TROUBLED.has(worker.verdict.state))
    .map((worker) => `${worker.name} is ${worker.verdict.state}: ${worker.verdict.cause}`);
  if (!workers.some((worker) => worker.status !== 'temporarily_unavailable')) {
    const draining = workers.find((worker) => worker.verdict.state === 'draining');
    reasons.push(
      draining === undefined
        ? 'no worker is available: start one with `ktrdr-agent run --role worker`'
        : `no worker is available: ${draining.name} drains, which \`ktrdr-agent undrain ${draining.name}\` ends`,
    );
  }
  return reasons;
}

/** 180004 → "18.4" (server_version_num since PostgreSQL 10). */
function versionText(number: number): string {
  return `${Math.floor(number / 10_000)}.${number % 10_000}`;
}

/** Changed things that one client is told of between two looks; beyond that it should ask for lists. */
const CHANGES_MAX = 1000;

async function* fleetEvents(
  context: ControlContext,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent, void> {
  const changed = new Map<string, Change>();
  const relevant = (change: Change): boolean => {
    if (changed.size < CHANGES_MAX) changed.set(`${change.type} ${change.id}`, change);
    return true;
  };
  const { changes, clock } = context;
  for await (const _ of ticks({ changes, clock, signal, relevant, throttleMs: 500, periodMs: 10_000 })) {
    const batch = [...changed.values()];
    changed.clear();
    if (batch.length === 0) yield 'keep-alive';
    for (const change of batch) {
      const event = await present(context, change);
      if (event) yield event;
    }
  }
}

async function present(context: ControlContext, change: Change): Promise<ServerSentEvent | undefined> {
  const { database, times } = context;
  if (change.type === 'worker') {
    const row = await findNode(database.sql, change.id);
    return row && { event: 'worker', data: workerOnWire(row, times) };
  }
  const row = await findOperation(database.sql, change.parentId ?? change.id);
  return row && row.role !== 'batch' ? { event: 'operation', data: operationOnWire(row) } : undefined;
}
