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

async function judged(changes: Partial<ShareCapability>, apiUrl: string) {
  const fact = { state: 'present', value: { ...share, ...changes }, derivation: ['why'], probedAtMs: 0 };
  const patient = {
    settings: { values: { api_url: apiUrl } },
    services: () => Promise.resolve([{ role: 'worker' }]),
    capabilities: () => Promise.resolve({ share: fact }),
  } as unknown as Patient;
  return await shareCheck.run(patient);
}

const FAR = 'http://192.168.1.100:8000';
const HERE = 'http://127.0.0.1:8000';

test.each<[Partial<ShareCapability>, string, string, string]>([
  [{}, FAR, 'ok', '/mnt/shared (nfs4 of nas:/ktrdr)'],
  [{ seenNodes: ['a'] }, FAR, 'ok', '1 node seen there'],
  [{ writable: false, roundTripMs: null }, FAR, 'warn', 'cannot be written'],
  // An NFS that is not mounted: writing works, and no other machine sees it.
  [{ mount: 'directory', seenNodes: ['a'] }, FAR, 'warn', 'a plain directory of the local disk'],
  // The fleet of one machine may share one.
  [{ mount: 'directory', seenNodes: ['a', 'b'] }, HERE, 'ok', '2 nodes seen there'],
  [{ mount: 'disk' }, FAR, 'ok', '0 nodes seen there'],
])('the check of a share: %o', async (changes, apiUrl, state, summary) => {
  const finding = await judged(changes, apiUrl);
  expect(finding.state as string).toBe(state);
  expect(finding.summary).toContain(summary);
});
