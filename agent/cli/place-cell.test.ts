import { describe, expect, test } from 'bun:test';
import type { VirtualisationCapability } from '#agent/contract/host-capabilities';
import { placeCell } from './place-cell';

const bare: VirtualisationCapability = {
  kind: 'bare',
  container: null,
  hypervisor: null,
  lxcId: null,
  proxmoxHost: null,
  hostId: null,
};

function cellOf(changes: Partial<VirtualisationCapability>): string {
  const value = { ...bare, ...changes };
  return placeCell({ virtualisation: { state: 'present', value, derivation: [], probedAtMs: 0 } });
}

describe('placeCell()', () => {
  test.each<[Partial<VirtualisationCapability>, string]>([
    [{}, 'bare metal'],
    [{ proxmoxHost: 'pve1' }, 'bare metal'],
    [{ kind: 'vm', hypervisor: 'kvm' }, 'kvm vm'],
    [{ kind: 'vm', hypervisor: 'kvm', proxmoxHost: 'pve1' }, 'kvm vm on pve1'],
    [{ kind: 'vm' }, 'vm'],
    [{ kind: 'wsl', hypervisor: 'hyperv' }, 'wsl'],
    [{ kind: 'container', container: 'lxc' }, 'lxc'],
    [{ kind: 'container', container: 'lxc', lxcId: '101', proxmoxHost: 'pve1' }, 'lxc 101 on pve1'],
    [{ kind: 'container', container: 'docker', hypervisor: 'kvm' }, 'docker'],
    [{ kind: 'container', container: 'docker', lxcId: '101' }, 'docker in lxc 101'],
  ])('of %o is %j', (changes, cell) => {
    expect(cellOf(changes)).toBe(cell);
  });

  test('is a dash where nobody looked, or the look failed', () => {
    expect(placeCell({})).toBe('–');
    expect(placeCell({ virtualisation: { state: 'failed', error: 'EIO' } })).toBe('–');
  });
});
