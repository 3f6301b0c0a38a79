import type { GpuCapability, GpuDevice } from '#agent/contract/gpu-capability';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

/**
 * AMD devices of the kernel's amdgpu driver. Files: "amdgpu device memory usage" and "GPU power/thermal
 * controls" in the kernel's documentation (gpu/amdgpu/driver-misc, thermal); topology: gpu/amdgpu/kfd.
 */
export const amdProbe: Probe<'amd'> = { name: 'amd', periodMs: 60_000, probe: probeAmd };

const DRM = '/sys/class/drm';
const KFD_NODES = '/sys/class/kfd/kfd/topology/nodes';
const AMD = '0x1002';

async function probeAmd(host: HostReader): Promise<Finding<GpuCapability>> {
  if (host.platform !== 'linux') return absent(`there is no amdgpu driver for ${host.platform}`, []);
  const names = (await host.list(DRM)) ?? [];
  // card0-HDMI-A-1 and the like are the sockets of card0.
  const cards = names.filter((name) => /^card\d+$/.test(name));
  const found = await Promise.all(cards.map((card) => readDevice(host, `${DRM}/${card}/device`)));
  const devices = found.filter((device) => device !== undefined).toSorted(byId);
  const [first] = devices;
  if (first === undefined) {
    const looked =
      cards.length === 0 ? `no card in ${DRM}` : `none of ${cards.join(', ')} is of vendor ${AMD}`;
    return absent('no AMD hardware with a graphics driver', [looked]);
  }
  const [version, compute] = await Promise.all([
    host.readText('/sys/module/amdgpu/version'),
    readCompute(host),
  ]);
  return {
    state: 'present',
    value: {
      vendor: 'amd',
      gpuType: null,
      // The driver of the kernel itself has no version; the one of ROCm's packages has.
      driver: version?.trim() ?? null,
      runtime: null,
      devices: devices.map((device, index) => ({ ...device, index })),
    },
    derivation: [
      ...devices.map(deviceLine),
      version === null
        ? 'amdgpu of the kernel itself (no /sys/module/amdgpu/version)'
        : `amdgpu ${version.trim()} (/sys/module/amdgpu/version)`,
      compute,
      UNTRIED,
    ],
  };
}

const UNTRIED = 'jobs have no runtime for AMD devices (ROCm): nothing here can allocate on them';

type UnnumberedDevice = Omit<GpuDevice, 'index'>;

async function readDevice(host: HostReader, directory: string): Promise<UnnumberedDevice | undefined> {
  const text = async (name: string): Promise<string | null> =>
    (await host.readText(`${directory}/${name}`))?.trim() ?? null;
  if ((await text('vendor')) !== AMD) return undefined;
  const [product, device, uevent, total, used, busy] = await Promise.all([
    text('product_name'),
    text('device'),
    text('uevent'),
    text('mem_info_vram_total'),
    text('mem_info_vram_used'),
    text('gpu_busy_percent').catch(() => null),
  ]);
  const address = /^PCI_SLOT_NAME=(\S+)$/m.exec(uevent ?? '')?.[1];
  const percent = count(busy);
  return {
    id: (address ?? directory).slice(0, 100),
    model: (product || `AMD device ${device ?? 'of unknown kind'}`).slice(0, 200),
    memoryTotalBytes: count(total),
    memoryUsedBytes: count(used),
    utilisationPercent: percent === null ? null : Math.min(100, percent),
    allocation: { state: 'untried', reason: UNTRIED },
  };
}

/** Whether the compute half of the driver shows devices: gfx_target_version 90010 is gfx90a's 9.0.10. */
async function readCompute(host: HostReader): Promise<string> {
  const nodes = (await host.list(KFD_NODES)) ?? [];
  const texts = await Promise.all(nodes.map((node) => host.readText(`${KFD_NODES}/${node}/properties`)));
  const targets = texts.flatMap((text) => {
    const target = count(/^gfx_target_version (\d+)$/m.exec(text ?? '')?.[1] ?? null);
    // Processors are nodes too, with 0.
    return target === null || target === 0 ? [] : [gfxName(target)];
  });
  return targets.length === 0
    ? `no compute device in ${KFD_NODES}`
    : `compute devices ${targets.join(', ')} (${KFD_NODES})`;
}

/** 90010 → gfx90a: major, two digits of minor, two of stepping, the last written in hex. */
export function gfxName(version: number): string {
  const [major, minor, stepping] = [
    Math.floor(version / 10_000),
    Math.floor(version / 100) % 100,
    version % 100,
  ];
  return `gfx${major}${minor}${stepping.toString(16)}`;
}

function deviceLine({ id, model, memoryTotalBytes }: UnnumberedDevice): string {
  const memory = memoryTotalBytes === null ? '' : `, ${(memoryTotalBytes / 2 ** 30).toFixed(1)} GiB`;
  return `${model} at ${id}${memory} (vendor ${AMD} in ${DRM})`;
}

function count(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function byId(left: UnnumberedDevice, right: UnnumberedDevice): number {
  return left.id < right.id ? -1 : 1;
}

function absent(reason: string, derivation: string[]): Finding<never> {
  return { state: 'absent', reason, derivation };
}
