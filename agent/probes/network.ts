import type { NetworkInterfaceInfo } from 'node:os';
import type { NetworkCapability, NetworkInterface } from '#agent/contract/host-capabilities';
import { errorCode } from '#agent/kit/error';
import { isLinkLocalAddress } from '#agent/kit/ip-address';
import { readMounts } from './mounts';
import { detectContainer } from './container';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

/** The interfaces of this node, their addresses, and which of them others are never told. */
export const networkProbe: Probe<'network'> = {
  name: 'network',
  // Addresses come and go with DHCP, cables and containers.
  periodMs: 30_000,
  probe: probeNetwork,
};

const CLASS = '/sys/class/net';
/** A host of hundreds of containers has a cable to each: looked at so many, and so many told in heartbeats. */
const LOOKED_AT_MAX = 512;
const TOLD_MAX = 64;

async function probeNetwork(host: HostReader): Promise<Finding<NetworkCapability>> {
  const addressed = host.interfaces();
  const listed = (await host.list(CLASS)) ?? [];
  const names = [...new Set([...Object.keys(addressed), ...listed])].toSorted();
  if (names.length === 0)
    return { state: 'absent', reason: 'there are no network interfaces', derivation: [] };
  const inContainer = await isContainer(host);
  const looked = await Promise.all(
    names
      .slice(0, LOOKED_AT_MAX)
      .map((name) => look(host, name, { infos: addressed[name] ?? [], inContainer })),
  );
  const found = looked.filter((one) => one !== null);
  const useful = found.filter(({ ignored }) => ignored === null);
  const others = found.filter(({ ignored }) => ignored !== null);
  const interfaces = [...useful, ...others].slice(0, TOLD_MAX);
  const untold = names.length - interfaces.length;
  return {
    state: 'present',
    value: { interfaces },
    derivation: [
      ...interfaces.slice(0, TOLD_MAX - 1).map(describe),
      ...(untold > 0 ? [`and ${untold} more`] : []),
    ],
  };
}

async function isContainer(host: HostReader): Promise<boolean> {
  const [cgroup, mounts] = await Promise.all([host.readText('/proc/self/cgroup'), readMounts(host)]);
  return (await detectContainer(host, { cgroup: cgroup ?? '', mounts })).name !== null;
}

interface Seen {
  infos: readonly NetworkInterfaceInfo[];
  inContainer: boolean;
}

/** Null for what the kernel keeps beside the interfaces, such as the file bonding_masters. */
async function look(host: HostReader, name: string, seen: Seen): Promise<NetworkInterface | null> {
  const attributes = await readAttributes(host, name);
  if (attributes === null && seen.infos.length === 0) return null;
  const addresses = seen.infos.slice(0, ADDRESSES_MAX).map(addressOf);
  return {
    name: name.slice(0, 64),
    mac: seen.infos[0]?.mac ?? attributes?.mac ?? null,
    addresses,
    ignored: whyIgnored(name, { addresses, ...seen, attributes }),
  };
}

const ADDRESSES_MAX = 64;

function addressOf({ address, family, cidr }: NetworkInterfaceInfo): NetworkInterface['addresses'][number] {
  // The zone names the interface, which is known here.
  const [plain = address] = address.split('%');
  const isV6 = family === 'IPv6';
  return {
    address: plain,
    family: isV6 ? 6 : 4,
    prefixLength: Number(cidr?.split('/')[1] ?? (isV6 ? 128 : 32)),
  };
}

interface Attributes {
  mac: string | null;
  /** As the kernel's RFC 2863 state: up, down, unknown (up, for tunnels and loopback), … */
  state: string;
  /** A port of a bridge on this machine: its address is the bridge's. */
  isBridgePort: boolean;
}

/** Null where the system has no such directory. */
async function readAttributes(host: HostReader, name: string): Promise<Attributes | null> {
  const read = async (attribute: string): Promise<string | null> => {
    try {
      return (await host.readText(`${CLASS}/${name}/${attribute}`))?.trim() ?? null;
    } catch (error) {
      // Attributes of an interface that just went, or is down, answer with an error.
      if (errorCode(error) === undefined) throw error;
      return null;
    }
  };
  const [state, mac, ports] = await Promise.all([
    read('operstate'),
    read('address'),
    host.list(`${CLASS}/${name}/brport`),
  ]);
  return state === null ? null : { state, mac: mac || null, isBridgePort: ports !== null };
}

interface Circumstances extends Seen {
  addresses: NetworkInterface['addresses'];
  attributes: Attributes | null;
}

/**
 * Overlays such as tailscale0, wg0 and zt* are not ignored: people run fleets over them. Nor are vmbr0
 * and br0: a bridge that people made carries the machine's own address.
 */
export function whyIgnored(name: string, circumstances: Circumstances): string | null {
  const { addresses, infos, attributes, inContainer } = circumstances;
  if (infos.some(({ internal }) => internal) || name === 'lo') return 'loopback';
  const named = NAMES.find(({ pattern }) => pattern.test(name));
  if (named) return named.reason;
  if (attributes?.isBridgePort) return 'port of a bridge, which has the addresses';
  // Inside a container the end of the cable is the container's own interface, whatever its name.
  if (name.startsWith('veth') && !inContainer) return 'cable to a container (veth)';
  if (attributes?.state === 'down' || attributes?.state === 'lowerlayerdown') return 'down';
  if (addresses.length === 0) return 'no address';
  if (addresses.every(({ address }) => isLinkLocalAddress(address))) return 'only link-local addresses';
  return null;
}

/** What container and virtual machine managers make for traffic within a machine. */
const NAMES: ReadonlyArray<{ pattern: RegExp; reason: string }> = [
  { pattern: /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12})$/, reason: 'bridge of Docker' },
  { pattern: /^(podman\d+|cni-podman\d+)$/, reason: 'bridge of Podman' },
  { pattern: /^virbr\d+(-nic)?$/, reason: 'bridge of libvirt' },
  { pattern: /^(lxcbr|lxdbr|incusbr)\d+$/, reason: 'bridge of LXC' },
  {
    pattern:
      /^(cni\d+|cbr\d+|flannel\.\d+|cali[0-9a-f]+|vxlan\.calico|cilium_\w+|lxc_health|kube-ipvs\d+|nodelocaldns|weave)$/,
    reason: 'network of Kubernetes',
  },
  { pattern: /^(fwbr|fwpr|fwln|tap)\d+[ip]\d+$/, reason: 'cable of Proxmox to a guest' },
  { pattern: /^vnet\d+$/, reason: 'cable of libvirt to a guest' },
];

function describe({ name, addresses, ignored }: NetworkInterface): string {
  const listed = addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(', ');
  return `${name}${listed === '' ? '' : ` ${listed}`}${ignored === null ? '' : `: ignored, ${ignored}`}`;
}
