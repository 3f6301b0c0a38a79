import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { createCoordinates, distance, ORIGIN } from './coordinates';

/** Four sites: 1 ms within a site, 10 to 60 ms between them. */
const SITE_MS = [
  [1, 10, 25, 60],
  [10, 1, 30, 55],
  [25, 30, 1, 40],
  [60, 55, 40, 1],
];
const rtt = (a: number, b: number): number => (SITE_MS[a % 4]?.[b % 4] ?? 0) / 1000;

test('coordinates of twelve nodes foretell their round trips', () => {
  const rng = seededRng(7);
  const nodes = Array.from({ length: 12 }, () => createCoordinates(rng));
  for (let round = 0; round < 400; round++) {
    nodes.forEach((node, i) => {
      const j = (i + 1 + rng.below(11)) % 12;
      const peer = nodes[j];
      if (peer) node.observe(`n${j}`, peer.own(), rtt(i, j) * (0.95 + rng.next() * 0.1));
    });
  }
  const wrongness: number[] = [];
  for (let i = 0; i < 12; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [nodes[i]?.own() ?? ORIGIN, nodes[j]?.own() ?? ORIGIN];
      if (i % 4 !== j % 4) wrongness.push(Math.abs(distance(a, b) - rtt(i, j)) / rtt(i, j));
    }
  }
  const median = wrongness.toSorted((a, b) => a - b)[wrongness.length >> 1] ?? 1;
  expect(median).toBeLessThan(0.25);
});

test('impossible measurements and coordinates are not believed', () => {
  const node = createCoordinates(seededRng(1));
  expect(node.observe('x', ORIGIN, -1)).toBe(false);
  expect(node.observe('x', ORIGIN, 11)).toBe(false);
  expect(node.observe('x', { ...ORIGIN, Height: Number.NaN }, 0.01)).toBe(false);
  expect(node.observe('x', { ...ORIGIN, Vec: [1] }, 0.01)).toBe(false);
  expect(node.own()).toEqual(ORIGIN);
  expect(node.of('x')).toBeUndefined();
});
