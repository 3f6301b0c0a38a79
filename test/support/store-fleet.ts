import { randomUUID } from 'node:crypto';
import type { AttemptKey, ResultReport } from '#agent/contract/lease';
import type { Registration } from '#agent/contract/worker';
import { claimFor } from '#control/schedule/claim';
import { sweepLeases } from '#control/schedule/sweep-leases';
import type { Sql } from '#control/store/sql';
import type { Database } from '#control/store/connect';
import { recordResult, type Accepted } from '#control/store/results';
import { recordUnits } from '#control/store/units';
import { insertOperations, type NewOperation } from '#control/store/operations';
import { transaction } from '#control/store/transaction';
import { upsertNode } from '#control/store/nodes';

export const TIMES = { heartbeatMs: 5000, leaseMs: 30_000 };

/** A registered node with plenty of everything. */
export async function addNode(database: Database, name: string, slots = 4): Promise<string> {
  const nodeId = new Bun.CryptoHasher('sha256').update(name).digest('hex').slice(0, 32);
  await upsertNode(database.sql, registration(nodeId, name, slots));
  return nodeId;
}

export function registration(nodeId: string, name: string, slots: number): Registration {
  const probed = { derivation: [], probedAtMs: 0 };
  const disk = { path: '/', totalBytes: 1e12, availableBytes: 1e12 };
  return {
    worker_id: nodeId,
    name,
    label: null,
    public_key: '',
    signature: '',
    instance: randomUUID(),
    endpoint_url: 'http://127.0.0.1:5003',
    version: 'test',
    commit: 'test',
    slots,
    capabilities: {
      cpu: {
        state: 'present',
        ...probed,
        value: { model: 'test', logicalCores: 8, affinityCores: 8, quotaCores: null, usableCores: 8 },
      },
      memory: {
        state: 'present',
        ...probed,
        value: { totalBytes: 2 ** 34, limitBytes: null, usableBytes: 2 ** 34, availableBytes: 2 ** 34 },
      },
      disk: { state: 'present', ...probed, value: { stateDirectory: disk, cacheDirectory: disk } },
    },
    leases: [],
  };
}

let made = 0;

function newOperation(overrides: Partial<NewOperation>): NewOperation {
  const serial = (++made).toString(16).padStart(8, '0');
  return {
    operationId: `op_sweep_20260101_000000_${serial}`,
    kind: 'sweep',
    role: 'single',
    parentId: null,
    priority: 3,
    parameters: { rank_by: 'sharpe_ratio' },
    parametersSha256: '0'.repeat(64),
    metadata: {},
    needs: { cores: 1, memoryBytes: 1, gpu: 'none' },
    bars: null,
    idempotencyKey: null,
    unitFrom: null,
    unitTo: null,
    unitsTotal: null,
    attemptsMax: 3,
    timeoutMs: 60_000,
    ...overrides,
  };
}

export async function addSingle(database: Database, overrides: Partial<NewOperation> = {}): Promise<string> {
  const operation = newOperation({ kind: 'backtesting', ...overrides });
  await insertOperations(database.sql, [operation]);
  return operation.operationId;
}

/** A sweep of `units` units in batches; returns the parent's id. */
export async function addSweep(database: Database, units: number, unitsPerBatch: number): Promise<string> {
  const parent = newOperation({ role: 'parent', unitsTotal: units });
  const batches: NewOperation[] = [];
  for (let from = 0; from < units; from += unitsPerBatch) {
    batches.push({
      ...parent,
      operationId: `${parent.operationId}${from.toString(16).padStart(8, '0')}`,
      role: 'batch',
      parentId: parent.operationId,
      unitFrom: from,
      unitTo: Math.min(units, from + unitsPerBatch),
      unitsTotal: null,
    });
  }
  await insertOperations(database.sql, [parent]);
  await insertOperations(database.sql, batches);
  return parent.operationId;
}

export async function claim(database: Database, nodeId: string, freeSlots = 1, nonce = randomUUID()) {
  const poll = { nodeId, nonce, freeSlots, waitMs: 0, signal: new AbortController().signal };
  return await database.sql.begin((sql) => claimFor(sql, poll, TIMES));
}

/** Reports units of an attempt, from 0, each with its metrics. */
export async function reportMetrics(
  database: Database,
  key: AttemptKey,
  nodeId: string,
  metrics: Array<Record<string, number | null>>,
) {
  const units = metrics.map((figures, index) => ({ unit_index: index, parameters: {}, metrics: figures }));
  const { leaseMs } = TIMES;
  return await database.sql.begin((sql) => recordUnits(sql, key, { worker_id: nodeId, units }, { leaseMs }));
}

/** Reports units of an attempt with a metric made from their index. */
export async function reportUnits(database: Database, key: AttemptKey, nodeId: string, units: number[]) {
  return await database.sql.begin((sql) =>
    recordUnits(
      sql,
      key,
      {
        worker_id: nodeId,
        units: units.map((unit) => ({
          unit_index: unit,
          parameters: { unit },
          metrics: { sharpe_ratio: (unit * 7919) % 101 },
        })),
      },
      TIMES,
    ),
  );
}

export async function report(
  database: Database,
  key: AttemptKey,
  nodeId: string,
  outcome: ResultReport['outcome'],
): Promise<Accepted> {
  const failed = outcome === 'failed' || outcome === 'crashed';
  return await database.sql.begin((sql) =>
    recordResult(
      sql,
      key,
      {
        worker_id: nodeId,
        outcome,
        result: outcome === 'completed' ? { units_evaluated: 1 } : null,
        error: failed ? { code: 'internal', message: `it ${outcome}`, retryable: true } : null,
        provenance: null,
      },
      { summarize: (result) => result, retryDelayMs: () => 0, leaseMs: TIMES.leaseMs },
    ),
  );
}

/** Makes every lease overdue, as if its agent had been silent for longer than a lease. */
export async function expireAll(database: Database): Promise<void> {
  await database.sql`update lease set until = now() - interval '1 second'`;
}

/** One sweep of leases, as the control plane does it each second. */
export async function sweepOverdue(database: Database, takeBack = true) {
  return await sweepLeases(
    { sql: database.sql, transaction: transactionOn(database) },
    { takeBack: () => takeBack },
  );
}

export function transactionOn(database: Database) {
  return <T>(work: (sql: Sql) => Promise<T>): Promise<T> => transaction(database, work);
}
