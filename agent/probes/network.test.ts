import { describe, expect, test } from 'bun:test';
import type { NetworkInterfaceInfo } from 'node:os';
import type { NetworkInterface } from '#agent/contract/host-capabilities';
import { exec } from '#agent/kit/exec';
import { netNamespaces, netNamespacesMissing } from '#test/support/net-namespaces';
import type { HostReader } from './host';
import { networkProbe } from './network';
import { emptyHost } from './recording/recorded-host';

interface Card {
  addresses?: string[];
  operstate?: string;
  isBridgePort?: boolean;
}

function info(cidr: string, internal: boolean): NetworkInterfaceInfo {
  const [address = ''] = cidr.split('/');
  const common = { address, netmask: '', mac: '02:00:00:00:00:01', internal, cidr };
  return cidr.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

function hostWith(cards: Record<string, Card>, cgroup = '0::/'): HostReader {
  const up = Object.entries(cards).filter(([, card]) => card.addresses !== undefined);
  return {
    ...emptyHost,
    interfaces: () =>
      Object.fromEntries(
        up.map(([name, { addresses = [] }]) => [name, addresses.map((cidr) => info(cidr, name === 'lo'))]),
      ),
    list: (path) => {
      if (path === '/sys/class/net') return Promise.resolve([...Object.keys(cards), 'bonding_masters']);
      const name = /^\/sys\/class\/net\/(.+)\/brport$/.exec(path)?.[1];
      return Promise.resolve(name !== undefined && cards[name]?.isBridgePort ? ['state'] : null);
    },
    readText: (path) => {
      if (path === '/proc/self/cgroup') return Promise.resolve(cgroup);
      const [, name = '', attribute] = /^\/sys\/class\/net\/(.+)\/(.+)$/.exec(path) ?? [];
      const card = cards[name];
      if (card === undefined) return Promise.resolve(null);
      if (attribute === 'address') return Promise.resolve('02:00:00:00:00:02\n');
      return Promise.resolve(attribute === 'operstate' ? `${card.operstate ?? 'up'}\n` : null);
    },
  };
}

async function interfacesOf(host: HostReader): Promise<NetworkInterface[]> {
  const finding = await networkProbe.probe(host);
  if (finding.state !== 'present') throw new Error(finding.reason);
  return finding.value.interfaces;
}

async function whyIgnored(name: string, card: Card, cgroup?: string): Promise<string | null | undefined> {
  return (await interfacesOf(hostWith({ [name]: card }, cgroup))).find((found) => found.name === name)
    ?.ignored;
}

const HAS_ADDRESS: Card = { addresses: ['10.0.0.7/24'] };
const IN_LXC = '0::/lxc/101/ns';

describe('the network probe', () => {
  test.each([
    'eth0',
    'enp3s0',
    'wlan0',
    'bond0',
    'vmbr0',
    'br0',
    'br-lan',
    // People run fleets over them.
    'tailscale0',
    'wg0',
    'ztabcdef12',
    'tun0',
  ])('does not ignore %s', async (name) => {
    expect(await whyIgnored(name, HAS_ADDRESS)).toBeNull();
  });

  test.each([
    ['lo', 'loopback'],
    ['docker0', 'bridge of Docker'],
    ['docker_gwbridge', 'bridge of Docker'],
    ['br-0123456789ab', 'bridge of Docker'],
    ['podman1', 'bridge of Podman'],
    ['virbr0', 'bridge of libvirt'],
    ['lxcbr0', 'bridge of LXC'],
    ['lxdbr0', 'bridge of LXC'],
    ['cni0', 'network of Kubernetes'],
    ['flannel.1', 'network of Kubernetes'],
    ['cali0123456789a', 'network of Kubernetes'],
    ['veth1a2b3c4', 'cable to a container (veth)'],
    ['veth101i0', 'cable to a container (veth)'],
    ['fwbr101i0', 'cable of Proxmox to a guest'],
    ['tap101i0', 'cable of Proxmox to a guest'],
    ['vnet3', 'cable of libvirt to a guest'],
  ])('ignores %s: %s', async (name, reason) => {
    expect(await whyIgnored(name, HAS_ADDRESS)).toBe(reason);
  });

  test('inside a container, takes the end of its cable for its own, whatever its name', async () => {
    expect(await whyIgnored('eth0', HAS_ADDRESS, IN_LXC)).toBeNull();
    expect(await whyIgnored('veth0', HAS_ADDRESS, IN_LXC)).toBeNull();
    // Of a Docker within it, that is not so.
    expect(await whyIgnored('veth1a2b3c4', { ...HAS_ADDRESS, isBridgePort: true }, IN_LXC)).toContain(
      'port of a bridge',
    );
    expect(await whyIgnored('docker0', HAS_ADDRESS, IN_LXC)).toBe('bridge of Docker');
  });

  test.each<[string, Card, string | null]>([
    ['down', { operstate: 'down' }, 'down'],
    ['with a cable that is cut', { ...HAS_ADDRESS, operstate: 'lowerlayerdown' }, 'down'],
    ['without an address', {}, 'no address'],
    ['port of a bridge', { isBridgePort: true }, 'port of a bridge, which has the addresses'],
    ['link-local only', { addresses: ['169.254.7.7/16', 'fe80::1/64'] }, 'only link-local addresses'],
    ['link-local beside another', { addresses: ['fe80::1/64', 'fd00::2/64'] }, null],
    // Tunnels do not know their state.
    ['in an unknown state', { ...HAS_ADDRESS, operstate: 'unknown' }, null],
  ])('of an interface %s: %o', async (_, card, reason) => {
    expect(await whyIgnored('eth0', card)).toBe(reason);
  });

  test('tells MAC, addresses and prefixes, and each reason in a sentence', async () => {
    const cards = {
      docker0: { addresses: ['172.17.0.1/16'] },
      eth0: { addresses: ['10.0.0.7/24', 'fd00::2/64'] },
    };
    const finding = await networkProbe.probe(hostWith(cards));
    expect(finding).toMatchObject({ state: 'present' });
    expect(finding.derivation).toEqual([
      'eth0 10.0.0.7/24, fd00::2/64',
      'docker0 172.17.0.1/16: ignored, bridge of Docker',
      // The file bonding_masters is none.
      'and 1 more',
    ]);
    expect((await interfacesOf(hostWith(cards)))[0]).toEqual({
      name: 'eth0',
      mac: '02:00:00:00:00:01',
      addresses: [
        { address: '10.0.0.7', family: 4, prefixLength: 24 },
        { address: 'fd00::2', family: 6, prefixLength: 64 },
      ],
      ignored: null,
    });
  });

  test('tells what is of use first, and the rest within a bound', async () => {
    const cards = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`veth${index}i0`, {}]));
    const finding = await networkProbe.probe(hostWith({ ...cards, zz0: HAS_ADDRESS }));
    if (finding.state !== 'present') throw new Error(finding.reason);
    expect(finding.value.interfaces).toHaveLength(64);
    expect(finding.value.interfaces[0]?.name).toBe('zz0');
    expect(finding.derivation.at(-1)).toContain('more');
  });

  test('is absent where there are none', async () => {
    expect(await networkProbe.probe(emptyHost)).toMatchObject({ state: 'absent' });
  });
});

const missing = await netNamespacesMissing('the network probe among real interfaces');

test.skipIf(missing)(
  'tells real interfaces as they are',
  async () => {
    await using namespaces = await netNamespaces(2);
    const { ip, within } = namespaces.left;
    await ip('addr add 198.18.0.1/24 dev eth0');
    await ip('addr add fd18::1/64 dev eth0 nodad');
    await ip('link set eth1 down');
    await ip('link add docker0 type bridge');
    await ip('addr add 172.17.0.1/16 dev docker0');
    await ip('link set docker0 up');
    await ip('link add vethhost type veth peer name vethpeer');
    await ip('link set vethhost master docker0 up');
    const script = `
    const { networkProbe } = await import('${import.meta.dir}/network');
    const { systemHost } = await import('${import.meta.dir}/host');
    const { value } = await networkProbe.probe(systemHost);
    console.log(JSON.stringify(value.interfaces));`;
    const { stdout, stderr } = await exec(within([process.execPath, '-e', script]), { timeoutMs: 20_000 });
    expect(stderr).toBe('');
    const found = JSON.parse(stdout) as NetworkInterface[];
    const eth0 = found.find(({ name }) => name === 'eth0');
    expect(eth0?.ignored).toBeNull();
    expect(eth0?.addresses.map(({ address }) => address)).toContain('fd18::1');
    expect(eth0?.addresses).toContainEqual({ address: '198.18.0.1', family: 4, prefixLength: 24 });
    expect(Object.fromEntries(found.map(({ name, ignored }) => [name, ignored]))).toMatchObject({
      docker0: 'bridge of Docker',
      eth1: 'down',
      lo: 'loopback',
      vethhost: 'port of a bridge, which has the addresses',
      vethpeer: 'cable to a container (veth)',
    });
  },
  60_000,
);
