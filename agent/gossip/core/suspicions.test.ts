import { describe, expect, test } from 'bun:test';
import type { Effect } from './effects';
import { changesOf, effectsOf, nameOf, sentOf, startGroup, suspect } from '#test/support/gossip-node';
import type { GossipNode } from '#test/support/gossip-node';

const PEERS = 4;
/** Of a group of five; the default answer of a stream is none. */
const MIN_MS = 4000;

/** Lets time pass; streams that ask whether somebody listens get this answer at once. */
function pass(node: GossipNode, durationMs: number, deserted: boolean): string[] {
  const said: string[] = [];
  for (const endMs = node.nowMs + durationMs; node.nowMs < endMs;) {
    const effects = node.pass(Math.min(10, endMs - node.nowMs));
    said.push(...changesOf(effects), ...answer(node, effects, deserted));
  }
  return said;
}

function answer(node: GossipNode, effects: readonly Effect[], deserted: boolean): string[] {
  return effectsOf(effects, 'dialog')
    .filter(({ request }) => request.type === 'ping')
    .flatMap(({ dialog }) => {
      const outcome = { ok: false, reason: 'refused', deserted } as const;
      return changesOf(node.give({ kind: 'dialog-result', dialog, outcome }));
    });
}

/** A node that has just accused a peer after a probe of its own; the peer's number. */
function accuseOne(deserted: boolean): { node: GossipNode; accused: number } {
  const node = startGroup(PEERS);
  while (node.core.count('suspect') === 0) pass(node, 10, deserted);
  const accused = Array.from({ length: PEERS }, (_, i) => i + 1).find(
    (peer) => node.core.member(nameOf(peer))?.status === 'suspect',
  );
  return { node, accused: accused ?? 0 };
}

/** Two other members agree. */
function confirm(node: GossipNode, accused: number): void {
  const others = Array.from({ length: PEERS }, (_, i) => i + 1).filter((peer) => peer !== accused);
  for (const peer of others.slice(0, 2)) answer(node, node.hear(peer, suspect(accused, 1, peer)), true);
}

describe('a suspect whose machine says that nobody listens', () => {
  test('is failed after half of the minimum, once the others agree', () => {
    const { node, accused } = accuseOne(true);
    confirm(node, accused);
    expect(pass(node, MIN_MS / 2 - 100, true)).not.toContain(`${nameOf(accused)} failed`);
    expect(pass(node, 200, true)).toContain(`${nameOf(accused)} failed`);
  });

  test('has the usual time while nobody agrees, and is asked again when they do', () => {
    const { node, accused } = accuseOne(true);
    expect(pass(node, MIN_MS / 2 + 500, true)).not.toContain(`${nameOf(accused)} failed`);
    confirm(node, accused);
    pass(node, 10, true);
    expect(node.core.member(nameOf(accused))?.status).toBe('failed');
  });

  test('has the usual time when somebody may listen again', () => {
    const { node, accused } = accuseOne(true);
    confirm(node, accused);
    expect(pass(node, MIN_MS - 200, false)).not.toContain(`${nameOf(accused)} failed`);
    expect(pass(node, 300, false)).toContain(`${nameOf(accused)} failed`);
  });
});

test('a suspect that merely does not answer has the usual time', () => {
  const { node, accused } = accuseOne(false);
  confirm(node, accused);
  expect(pass(node, MIN_MS - 200, false)).not.toContain(`${nameOf(accused)} failed`);
  expect(sentOf(node.taken(), 'suspect').some(({ Node }) => Node === nameOf(accused))).toBe(true);
  expect(pass(node, 300, false)).toContain(`${nameOf(accused)} failed`);
});
