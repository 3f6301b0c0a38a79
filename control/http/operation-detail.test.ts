import { expect, test } from 'bun:test';
import type { PlacementNode } from '#control/schedule/placement';
import { registration } from '#test/support/store-fleet';
import { waitingFor } from './operation-detail';

const needs = { cores: 1, memoryBytes: 1, gpu: 'none' } as const;
const row = { needs, notBeforeInMs: 0 };

function node(name: string, changes: Partial<PlacementNode> = {}): PlacementNode {
  const { capabilities } = registration('a'.repeat(32), name, 2);
  const verdict = { state: 'ready', cause: 'heartbeat 1 s ago' } as const;
  return { nodeId: name, name, verdict, slots: 2, freeSlots: 2, capabilities, ...changes };
}

const busy = node('busy', { freeSlots: 0 });
const gone = node('gone', { verdict: { state: 'lost', cause: 'no heartbeat for 5 min' } });

test.each([
  [[], 'no agent is registered'],
  [[node('free')], 'an agent takes it at its next poll'],
  [[busy], 'the agent cannot take it now: all of its 2 slots are busy'],
  [[gone, busy], 'none of 2 agents can take it now: all of its 2 slots are busy'],
  [[gone], 'the agent cannot take it now: lost: no heartbeat for 5 min'],
])('what waits says why: %#', (nodes, reason) => {
  expect(waitingFor(row, nodes).reason).toBe(reason);
});

test('a retry that is not due says when', () => {
  const waiting = waitingFor({ needs, notBeforeInMs: 4_200 }, [node('free')]);
  expect(waiting).toEqual({ refusals: [], reason: 'tried again in 5 s after an error' });
});
