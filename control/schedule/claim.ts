import { jobKindNamed } from '#agent/jobs/registry';
import type { ClaimReply, Grant } from '#agent/contract/lease';
import { Fault } from '#agent/kit/error';
import {
  cancelsFor,
  grant,
  grantedWith,
  lockCandidates,
  unitsDone,
  type Candidate,
} from '#control/store/claims';
import { findNode, lockNode } from '#control/store/nodes';
import type { Sql } from '#control/store/sql';
import type { Poll } from './dispatcher';
import { placementNode } from './fleet';
import { choose, supplyOf } from './placement';
import type { VerdictBasis } from './verdict';

/** More than the free slots, since placement may pass some over. */
const CANDIDATES_EXTRA = 8;

/** Answers one poll inside one transaction: earlier grants of its nonce, or new ones, and cancellations. */
export async function claimFor(sql: Sql, poll: Poll, times: VerdictBasis): Promise<ClaimReply> {
  await lockNode(sql, poll.nodeId);
  const node = await findNode(sql, poll.nodeId);
  if (!node) throw unknownWorker(poll.nodeId);
  const cancel = (await cancelsFor(sql, poll.nodeId)).map(({ operationId, epoch }) => ({
    operation_id: operationId,
    epoch,
  }));
  const to = { nodeId: poll.nodeId, nonce: poll.nonce, leaseMs: times.leaseMs };
  const again = await grantedWith(sql, to);
  if (again.length > 0) return { grants: await grantsOf(sql, again, times), cancel };
  // Candidates that placement would refuse anyway are not locked before others' eyes.
  if (poll.freeSlots === 0 || node.drainingReason !== null) return { grants: [], cancel };

  const placed = { ...placementNode(node, times), freeSlots: poll.freeSlots };
  const supply = supplyOf(node.capabilities);
  const wanted = { cores: supply.cores ?? 0, memoryBytes: supply.memoryBytes ?? 0, gpu: supply.gpu };
  const candidates = await lockCandidates(sql, wanted, poll.freeSlots + CANDIDATES_EXTRA);
  const chosen = choose(candidates, placed);
  if (chosen.length === 0) return { grants: [], cancel };
  const ids = chosen.map((candidate) => candidate.operationId);
  await grant(sql, ids, to);
  const granted = chosen.map((candidate) => ({ ...candidate, epoch: candidate.epoch + 1 }));
  return { grants: await grantsOf(sql, granted, times), cancel };
}

export function unknownWorker(nodeId: string): Fault {
  return new Fault('not_found', `Cannot find worker ${nodeId}: it is not registered`, {
    hint: 'register it with POST /api/v1/workers/register',
  });
}

async function grantsOf(sql: Sql, candidates: Candidate[], times: VerdictBasis): Promise<Grant[]> {
  const grants: Grant[] = [];
  for (const candidate of candidates) {
    grants.push({
      operation_id: candidate.operationId,
      epoch: candidate.epoch,
      kind: jobKindNamed(candidate.kind).name,
      parent_operation_id: candidate.parentId,
      parameters: candidate.parameters,
      parameters_sha256: candidate.parametersSha256,
      bars: candidate.bars,
      units: await unitsOf(sql, candidate),
      timeout_ms: candidate.timeoutMs,
      lease_ms: times.leaseMs,
    });
  }
  return grants;
}

async function unitsOf(sql: Sql, candidate: Candidate): Promise<Grant['units']> {
  const { parentId, unitFrom, unitTo } = candidate;
  if (parentId === null || unitFrom === null || unitTo === null) return null;
  const done = candidate.unitsDone === 0 ? [] : await unitsDone(sql, parentId, unitFrom, unitTo);
  return { from: unitFrom, to: unitTo, done };
}
