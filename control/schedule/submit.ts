import { randomBytes } from 'node:crypto';
import type { BarsRequest, JobKind, Needs } from '#agent/contract/kind';
import type { BarsInput } from '#agent/contract/lease';
import { parseJobParameters } from '#agent/jobs/registry';
import { canonicalSha256 } from '#agent/kit/canonical-json';
import { errorCode, Fault } from '#agent/kit/error';
import { findByIdempotencyKey, insertOperations, type NewOperation } from '#control/store/operations';
import type { Sql } from '#control/store/sql';
import { place, type PlacementNode } from './placement';

export interface Submission {
  kind: JobKind;
  parameters: unknown;
  idempotencyKey: string | null;
  /** Queue even when no known node could run it. */
  wait: boolean;
  priority: number | null;
}

export interface SubmitContext {
  /** Fixes the bars by their hash; throws a Fault for an unknown series or an empty range. */
  pinBars: (request: BarsRequest) => Promise<BarsInput>;
  nodes: () => Promise<PlacementNode[]>;
  /** Shortly after a start a node that looks lost may only not have found this control plane yet. */
  warmingUp: boolean;
  transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
  nowMs: () => number;
}

/**
 * Judges a submission and writes it, or writes nothing: parameters first, then data, then whether any
 * known node could ever run it. Returns the operation's id; the same key gives the same id.
 */
export async function submit(submission: Submission, context: SubmitContext): Promise<string> {
  const { kind } = submission;
  const parameters = parseJobParameters(kind, submission.parameters);
  const parametersSha256 = canonicalSha256({ kind: kind.name, parameters });
  const request = kind.bars(parameters);
  const bars = request === null ? null : await context.pinBars(request);
  const split = kind.split?.(parameters, bars) ?? null;
  const needs = kind.needs(parameters);
  if (!submission.wait) await refuseImpossible(kind, needs, context);

  const root: NewOperation = {
    operationId: operationId(kind.name, context.nowMs()),
    kind: kind.name,
    role: split === null ? 'single' : 'parent',
    parentId: null,
    priority: submission.priority ?? kind.priority,
    parameters,
    parametersSha256,
    metadata: kind.metadata(parameters),
    needs,
    bars,
    idempotencyKey: submission.idempotencyKey,
    unitFrom: null,
    unitTo: null,
    unitsTotal: split?.units ?? null,
    attemptsMax: kind.attemptsMax,
    timeoutMs: kind.timeoutMs,
  };
  return await writeOnce(
    root,
    split === null ? [] : batchesOf(root, split.units, split.unitsPerBatch),
    context,
  );
}

/** The unique key decides between two submissions at the same time: the later one finds the earlier. */
async function writeOnce(
  root: NewOperation,
  batches: NewOperation[],
  context: SubmitContext,
): Promise<string> {
  const write = async (sql: Sql): Promise<string> => {
    const key = root.idempotencyKey;
    const earlier = key === null ? undefined : await findByIdempotencyKey(sql, key);
    if (earlier) return sameSubmission(earlier, root.parametersSha256);
    await insertOperations(sql, [root]);
    if (batches.length > 0) await insertOperations(sql, batches);
    return root.operationId;
  };
  try {
    return await context.transaction(write);
  } catch (error) {
    if (errorCode(error) !== UNIQUE_VIOLATION || root.idempotencyKey === null) throw error;
    return await context.transaction(write);
  }
}

const UNIQUE_VIOLATION = '23505';

function batchesOf(parent: NewOperation, units: number, unitsPerBatch: number): NewOperation[] {
  const batches: NewOperation[] = [];
  for (let from = 0; from < units; from += unitsPerBatch) {
    batches.push({
      ...parent,
      operationId: `${parent.operationId}${from.toString(16).padStart(8, '0')}`,
      role: 'batch',
      parentId: parent.operationId,
      metadata: {},
      idempotencyKey: null,
      unitFrom: from,
      unitTo: Math.min(units, from + unitsPerBatch),
      unitsTotal: null,
    });
  }
  return batches;
}

async function refuseImpossible(kind: JobKind, needs: Needs, context: SubmitContext): Promise<void> {
  const nodes = await context.nodes();
  const answer = place(needs, nodes);
  const mayReturn =
    context.warmingUp && nodes.some(({ verdict: { state } }) => state === 'lost' || state === 'cut-off');
  if (answer.possible || mayReturn) return;
  const message =
    nodes.length === 0
      ? `Cannot run ${kind.name}: no workers available, no agent is registered`
      : `Cannot run ${kind.name}: no workers available, none of ${nodes.length} agents can take it`;
  throw new Fault('no_workers', message, {
    hint:
      nodes.length === 0
        ? 'start one with `ktrdr-agent run --role worker`, or add --wait to queue the work'
        : 'see the reason for each agent, or add --wait to queue the work',
    details: { refusals: answer.refusals },
  });
}

function sameSubmission(earlier: { operationId: string; parametersSha256: string }, sha256: string): string {
  if (earlier.parametersSha256 === sha256) return earlier.operationId;
  throw new Fault('conflict', `Cannot submit: its idempotency key was used for ${earlier.operationId}`, {
    hint: 'use a new key for other parameters',
  });
}

/** KTRDR's form: op_<type>_<yyyymmdd>_<hhmmss>_<random>. */
function operationId(kind: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace('T', '_').slice(0, 15);
  return `op_${kind}_${stamp}_${randomBytes(4).toString('hex')}`;
}
