import { expect, test } from 'bun:test';
import type { ShareCapability } from '#agent/contract/host-capabilities';
import { shareCheck } from './checks/share';
import type { Patient } from './patient';

const share: ShareCapability = {
  path: '/mnt/shared',
  filesystem: 'nfs4',
  source: 'nas:/ktrdr',
  mount: 'network',
  shareId: '0'.repeat(32),
  writable: true,
  roundTripMs: 2,
  totalBytes: 2 ** 40,
  availableBytes: 2 ** 39,
  seenNodes: [],
};

async function judged(changes: Partial<ShareCapability>) {
  const fact = { state: 'present', value: { ...share, ...changes }, derivation: ['why'], probedAtMs: 0 };
  const patient = {
    services: () => Promise.resolve([{ role: 'worker' }]),
    capabilities: () => Promise.resolve({ share: fact }),
  } as unknown as Patient;
  return await shareCheck.run(patient);
}

test.each<[Partial<ShareCapability>, string, string]>([
  [{}, 'ok', '/mnt/shared (nfs4 of nas:/ktrdr)'],
  [{ seenNodes: ['a'] }, 'ok', '1 other node seen'],
  [{ writable: false, roundTripMs: null }, 'warn', 'cannot be written'],
  // An NFS that is not mounted: writing works, and nobody sees it.
  [{ mount: 'directory' }, 'warn', 'a plain directory of the local disk'],
  [{ mount: 'directory', seenNodes: ['a'] }, 'ok', '1 other node seen'],
  [{ mount: 'disk' }, 'ok', '0 other nodes seen'],
])('the check of a share: %o', async (changes, state, summary) => {
  const finding = await judged(changes);
  expect(finding.state as string).toBe(state);
  expect(finding.summary).toContain(summary);
});
