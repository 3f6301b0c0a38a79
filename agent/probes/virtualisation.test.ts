import { describe, expect, test } from 'bun:test';
import type { VirtualisationCapability } from '#agent/contract/host-capabilities';
import { exec } from '#agent/kit/exec';
import { tempDir } from '#test/support/temp-dir';
import { systemHost, type HostReader } from './host';
import type { Finding } from './probe';
import { emptyHost } from './recording/recorded-host';
import { virtualisationProbe } from './virtualisation';

interface Machine {
  /** Text of files; an error code for those that may not be read. */
  files?: Record<string, string | { code: string }>;
  lists?: Record<string, string[]>;
  links?: Record<string, string>;
}

const CGROUP = '/proc/self/cgroup';
const MOUNTINFO = '/proc/self/mountinfo';
const mountLine = (root: string, point: string, rest: string): string =>
  `22 28 0:20 ${root} ${point} rw - ${rest} rw`;
const ROOT_DISK = mountLine('/', '/', 'ext4 /dev/sda2');
const STAT = 'cpu 1 2 3\nbtime 1763000000\n';

function hostOf({ files = {}, lists = {}, links = {} }: Machine): HostReader {
  const all: NonNullable<Machine['files']> = { [CGROUP]: '0::/\n', [MOUNTINFO]: ROOT_DISK, ...files };
  return {
    ...emptyHost,
    readText: (path) => {
      const found = all[path];
      if (found === undefined) return Promise.resolve(null);
      if (typeof found === 'string') return Promise.resolve(found);
      return Promise.reject(Object.assign(new Error(found.code), found));
    },
    list: (path) => Promise.resolve(lists[path] ?? null),
    readLink: (path) => Promise.resolve(links[path] ?? null),
  };
}

async function look(machine: Machine, proxmoxHost?: string): Promise<Finding<VirtualisationCapability>> {
  return await virtualisationProbe({ proxmoxHost }).probe(hostOf(machine));
}

async function valueOf(machine: Machine, proxmoxHost?: string): Promise<VirtualisationCapability> {
  const finding = await look(machine, proxmoxHost);
  if (finding.state !== 'present') throw new Error(finding.reason);
  return finding.value;
}

const denied = { code: 'EACCES' };
const names = [
  mountLine('/x/hosts', '/etc/hosts', 'ext4 /dev/sda2'),
  mountLine('/x/resolv.conf', '/etc/resolv.conf', 'ext4 /dev/sda2'),
];
const lxcBootId = mountLine('/.lxc-boot-id', '/proc/sys/kernel/random/boot_id', 'tmpfs none');

describe('virtualisation', () => {
  const containers: Array<[string, Machine, Partial<VirtualisationCapability>]> = [
    ['says systemd', { files: { '/run/systemd/container': 'lxc\n' } }, { container: 'lxc' }],
    ['says libvirt', { files: { '/run/systemd/container': 'lxc-libvirt\n' } }, { container: 'lxc' }],
    [
      'says the first process',
      { files: { '/proc/1/environ': 'TERM=linux\0container=systemd-nspawn\0' } },
      { container: 'systemd-nspawn' },
    ],
    [
      'says nspawn, to a user who may not read the first process',
      { files: { '/proc/1/environ': denied, '/run/host/container-manager': 'systemd-nspawn' } },
      { container: 'systemd-nspawn' },
    ],
    [
      'is seen in control groups of version 1',
      { files: { [CGROUP]: '4:memory:/lxc/101/ns/system.slice\n', '/proc/1/environ': denied } },
      { container: 'lxc', lxcId: '101' },
    ],
    [
      'is seen in control groups of LXC 4',
      { files: { [CGROUP]: '0::/lxc.payload.101/init.scope\n' } },
      { container: 'lxc', lxcId: '101' },
    ],
    [
      'is seen by its boot id, its number by its volume (LVM)',
      {
        files: {
          [MOUNTINFO]: `${mountLine('/', '/', 'ext4 /dev/mapper/pve-vm--101--disk--0')}\n${lxcBootId}`,
        },
      },
      { container: 'lxc', lxcId: '101' },
    ],
    [
      'is seen by its boot id, its number by its volume (ZFS)',
      { files: { [MOUNTINFO]: `${mountLine('/', '/', 'zfs rpool/data/subvol-2104-disk-0')}\n${lxcBootId}` } },
      { container: 'lxc', lxcId: '2104' },
    ],
    [
      'is seen by lxcfs, without a number',
      {
        files: { [MOUNTINFO]: `${ROOT_DISK}\n${mountLine('/proc/stat', '/proc/stat', 'fuse.lxcfs lxcfs')}` },
      },
      { container: 'lxc', lxcId: null },
    ],
    [
      'is Docker within LXC',
      { files: { [CGROUP]: `0::/lxc/101/ns/docker/${'6f1e0c'.repeat(10)}\n` } },
      { container: 'docker', lxcId: '101' },
    ],
    [
      'is Docker by systemd',
      { files: { [CGROUP]: `0::/system.slice/docker-6f1e0c${'0'.repeat(58)}.scope` } },
      { container: 'docker' },
    ],
    [
      'is Docker by its file, with names mounted',
      { files: { '/.dockerenv': '', [MOUNTINFO]: [ROOT_DISK, ...names].join('\n') } },
      { container: 'docker' },
    ],
    ['is Podman', { files: { '/run/.containerenv': 'engine="podman-4.3.1"\n' } }, { container: 'podman' }],
    [
      'is Podman by its group',
      { files: { [CGROUP]: '0::/user.slice/libpod-6f1e0c00.scope/container' } },
      { container: 'podman' },
    ],
    [
      'is Kubernetes',
      { files: { [CGROUP]: '0::/kubepods.slice/kubepods-burstable.slice/pod.scope' } },
      { container: 'kubernetes' },
    ],
    [
      'is Docker on WSL',
      {
        files: {
          '/.dockerenv': '',
          [MOUNTINFO]: names.join('\n'),
          '/proc/sys/kernel/osrelease': '5.15.153.1-microsoft-standard-WSL2\n',
        },
      },
      { container: 'docker', hypervisor: 'hyperv' },
    ],
  ];

  test.each(containers)('a container %s', async (_, machine, expected) => {
    expect(await valueOf(machine)).toMatchObject({ kind: 'container', ...expected });
  });

  const others: Array<[string, Machine, Partial<VirtualisationCapability>]> = [
    ['bare metal', {}, { kind: 'bare', hypervisor: null }],
    [
      'a host of Docker',
      { files: { [CGROUP]: '0::/system.slice/docker.service\n' } },
      { kind: 'bare', container: null },
    ],
    [
      'a host of lxcfs',
      { files: { [MOUNTINFO]: `${ROOT_DISK}\n${mountLine('/', '/var/lib/lxcfs', 'fuse.lxcfs lxcfs')}` } },
      { kind: 'bare' },
    ],
    // A root file system that was unpacked from an image of Docker.
    [
      'a machine with the file of Docker and nothing else',
      { files: { '/.dockerenv': '' } },
      { kind: 'bare', container: null },
    ],
    [
      'KVM by its firmware',
      { files: { '/sys/class/dmi/id/sys_vendor': 'QEMU\n' } },
      { kind: 'vm', hypervisor: 'kvm' },
    ],
    [
      'KVM by its clock',
      { files: { '/sys/devices/system/clocksource/clocksource0/available_clocksource': 'kvm-clock tsc\n' } },
      { kind: 'vm', hypervisor: 'kvm' },
    ],
    [
      'a hypervisor without a name',
      { files: { '/proc/cpuinfo': 'flags\t\t: fpu hypervisor lahf_lm\n' } },
      { kind: 'vm', hypervisor: null },
    ],
    [
      'VMware',
      { files: { '/sys/class/dmi/id/sys_vendor': 'VMware, Inc.\n' } },
      { kind: 'vm', hypervisor: 'vmware' },
    ],
    [
      'Hyper-V',
      {
        files: {
          '/sys/class/dmi/id/sys_vendor': 'Microsoft Corporation\n',
          '/sys/class/dmi/id/product_name': 'Virtual Machine\n',
        },
      },
      { kind: 'vm', hypervisor: 'hyperv' },
    ],
    [
      'hardware of Microsoft',
      {
        files: {
          '/sys/class/dmi/id/sys_vendor': 'Microsoft Corporation\n',
          '/sys/class/dmi/id/product_name': 'Surface Book\n',
        },
      },
      { kind: 'bare' },
    ],
    [
      'EC2',
      {
        files: {
          '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n',
          '/sys/class/dmi/id/product_name': 'm5.large\n',
        },
      },
      { kind: 'vm', hypervisor: 'kvm' },
    ],
    [
      'metal of EC2',
      {
        files: {
          '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n',
          '/sys/class/dmi/id/product_name': 'm5.metal\n',
        },
      },
      { kind: 'bare' },
    ],
    [
      'a guest of Xen',
      { files: { '/sys/hypervisor/type': 'xen\n', '/proc/xen/capabilities': '\n' } },
      { kind: 'vm', hypervisor: 'xen' },
    ],
    [
      'the host of Xen',
      { files: { '/sys/hypervisor/type': 'xen\n', '/proc/xen/capabilities': 'control_d\n' } },
      { kind: 'bare', hypervisor: 'xen' },
    ],
    [
      'WSL 2',
      {
        files: {
          '/proc/sys/kernel/osrelease': '5.15.153.1-microsoft-standard-WSL2\n',
          '/run/systemd/container': 'wsl\n',
        },
      },
      { kind: 'wsl', container: null, hypervisor: 'hyperv' },
    ],
  ];

  test.each(others)('no container: %s', async (_, machine, expected) => {
    expect(await valueOf(machine)).toMatchObject(expected);
  });

  test('says what of Docker is left over', async () => {
    const { derivation } = await look({ files: { '/.dockerenv': '' } });
    expect(derivation.join('\n')).toContain('/.dockerenv is left over from an image');
  });

  test('is absent without /proc', async () => {
    expect(await virtualisationProbe({}).probe(emptyHost)).toMatchObject({ state: 'absent' });
  });

  test('fails on what is neither absence nor lack of leave', async () => {
    await expect(look({ files: { '/run/systemd/container': { code: 'EIO' } } })).rejects.toThrow('EIO');
  });
});

describe('the Proxmox host', () => {
  const guest: Machine = {
    files: { [CGROUP]: '0::/lxc/101/ns', '/proc/sys/kernel/osrelease': '6.8.12-4-pve\n' },
    links: {},
  };

  test('is what the setting says, before everything', async () => {
    const finding = await look(guest, 'pve1');
    expect(finding).toMatchObject({ value: { proxmoxHost: 'pve1', lxcId: '101' } });
    expect(finding.derivation.join('\n')).toContain('as the setting proxmox_host says');
  });

  test('is not known to a guest, who is told which setting says it', async () => {
    const finding = await look(guest);
    expect(finding).toMatchObject({ value: { proxmoxHost: null } });
    const text = finding.derivation.join('\n');
    expect(text).toContain('the kernel 6.8.12-4-pve is that of Proxmox');
    expect(text).toContain('set proxmox_host (KTRDR_PROXMOX_HOST)');
  });

  test('knows itself, and guests do not take the link for theirs', async () => {
    const links = { '/etc/pve/local': 'nodes/pve1' };
    expect(await valueOf({ links })).toMatchObject({ kind: 'bare', proxmoxHost: 'pve1' });
    expect((await valueOf({ ...guest, links })).proxmoxHost).toBeNull();
  });

  test('is no matter on other machines', async () => {
    expect((await look({})).derivation.join('\n')).not.toContain('proxmox');
  });
});

describe('the machine of a node', () => {
  const disks = { lists: { '/sys/block': ['loop0', 'nvme0n1', 'sda'] } };
  const machine = (changes: Record<string, string>): Machine => ({
    ...disks,
    files: {
      '/proc/stat': STAT,
      '/sys/block/nvme0n1/wwid': 'eui.1\n',
      '/sys/block/sda/device/wwid': 'naa.2\n',
      ...changes,
    },
  });

  test('is the same for the host and its containers, whose boot ids differ', async () => {
    const host = await valueOf(machine({ '/proc/sys/kernel/random/boot_id': 'a\n' }));
    const container = await valueOf(
      machine({ '/proc/sys/kernel/random/boot_id': 'b\n', [MOUNTINFO]: `${ROOT_DISK}\n${lxcBootId}` }),
    );
    expect(host.hostId).toMatch(/^[0-9a-f]{16}$/);
    expect(container.hostId).toBe(host.hostId);
  });

  test('is another with another start or other disks, whatever loop devices there are', async () => {
    const { hostId } = await valueOf(machine({}));
    expect((await valueOf(machine({ '/proc/stat': 'btime 1763000001\n' }))).hostId).not.toBe(hostId);
    expect((await valueOf(machine({ '/sys/block/nvme0n1/wwid': 'eui.9\n' }))).hostId).not.toBe(hostId);
    expect((await valueOf(machine({ '/sys/block/loop0/serial': 'x\n' }))).hostId).toBe(hostId);
  });

  test('is not known without the second of its start', async () => {
    expect((await valueOf({})).hostId).toBeNull();
  });
});

const lxcMissing = await whyNoLxc();
if (lxcMissing !== null) console.log(`skipped: virtualisation in a real container: ${lxcMissing}`);

test.skipIf(lxcMissing !== null)(
  'a real LXC container knows itself and its machine',
  async () => {
    const inside = await inLxc('7101', [process.execPath, '-e', PRINT_FACT]);
    const finding = JSON.parse(inside) as Finding<VirtualisationCapability>;
    const here = await virtualisationProbe({}).probe(systemHost);
    if (finding.state !== 'present' || here.state !== 'present') throw new Error(inside);
    expect(finding.value).toMatchObject({ kind: 'container', container: 'lxc' });
    expect(finding.value.hostId).toBe(here.value.hostId);
    expect(finding.derivation.join('\n')).toContain('the boot id is the container’s own');
  },
  60_000,
);

const PRINT_FACT = `
  const { virtualisationProbe } = await import('${import.meta.dir}/virtualisation');
  const { systemHost } = await import('${import.meta.dir}/host');
  console.log(JSON.stringify(await virtualisationProbe({}).probe(systemHost)));
`;

async function whyNoLxc(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root may make one here';
  if (Bun.which('lxc-execute') === null) return 'there is no lxc-execute';
  try {
    await inLxc('7100', ['/bin/true']);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'it does not start';
  }
}

/** Runs a command in a container over a layer on top of this machine's own root. */
async function inLxc(name: string, argv: readonly string[]): Promise<string> {
  await using folder = await tempDir('kt-lxc-');
  const settings = [
    `lxc.uts.name = kt-${name}`,
    `lxc.rootfs.path = overlay:/:${folder.path}/upper`,
    'lxc.mount.auto = proc:mixed sys:mixed',
    'lxc.autodev = 1',
    'lxc.net.0.type = empty',
  ];
  await Bun.write(`${folder.path}/upper/.keep`, '');
  await Bun.write(`${folder.path}/config`, `${settings.join('\n')}\n`);
  const command = [
    'lxc-execute',
    '-P',
    folder.path,
    '-n',
    name,
    '-f',
    `${folder.path}/config`,
    '--',
    ...argv,
  ];
  const { code, stdout, stderr } = await exec(command, { timeoutMs: 30_000 });
  if (code !== 0) throw new Error(`lxc-execute ends with ${code}: ${stderr.trim().slice(0, 300)}`);
  return stdout;
}
