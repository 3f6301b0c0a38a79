import type { HostReader } from './host';

export interface DetectedHypervisor {
  /** Whether the kernel runs on a virtual machine; containers share that of their host. */
  isGuest: boolean;
  /** kvm, vmware, hyperv, xen, …; null on bare metal, and where nothing names it. */
  name: string | null;
  derivation: string[];
}

/** What the firmware, the processor and the kernel say of a hypervisor below. */
export async function detectHypervisor(host: HostReader): Promise<DetectedHypervisor> {
  const [xen, xenRole, dmi, cpuinfo, clocks] = await Promise.all([
    host.readText('/sys/hypervisor/type'),
    host.readText('/proc/xen/capabilities'),
    readDmi(host),
    host.readText('/proc/cpuinfo'),
    host.readText(CLOCKS),
  ]);
  if (xen?.trim() === 'xen') {
    const isGuest = !xenRole?.includes('control_d');
    const role = isGuest ? 'virtual machine' : 'the host itself';
    return { isGuest, name: 'xen', derivation: [`${role} on Xen (/sys/hypervisor/type)`] };
  }
  const vendor = VENDORS.find(({ pattern }) => pattern.test(dmi));
  if (vendor) return guest(vendor.name, `DMI names "${dmi}"`);
  const hasFlag = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo ?? '');
  const clock = CLOCK_NAMES.find(({ clock: name }) => clocks?.includes(name));
  if (clock) return guest(clock.name, `clock source ${clock.clock}`);
  if (hasFlag) {
    return {
      isGuest: true,
      name: null,
      derivation: ['virtual machine of a hypervisor without a name (flag "hypervisor" in /proc/cpuinfo)'],
    };
  }
  return { isGuest: false, name: null, derivation: [noneLine(dmi, cpuinfo)] };
}

const CLOCKS = '/sys/devices/system/clocksource/clocksource0/available_clocksource';

const CLOCK_NAMES = [
  { clock: 'kvm-clock', name: 'kvm' },
  { clock: 'hyperv_clocksource', name: 'hyperv' },
] as const;

/** In the words of vendor and product, as systemd-detect-virt(1) reads them too. */
const VENDORS = [
  { pattern: /VMware/, name: 'vmware' },
  { pattern: /innotek|VirtualBox/, name: 'virtualbox' },
  { pattern: /Microsoft Corporation.*Virtual Machine/, name: 'hyperv' },
  { pattern: /Apple Virtualization/, name: 'apple' },
  { pattern: /Parallels/, name: 'parallels' },
  { pattern: /QEMU|KVM|OpenStack|Google Compute Engine|DigitalOcean|Hetzner/, name: 'kvm' },
  // Nitro is KVM; metal instances are the machine itself.
  { pattern: /Amazon EC2(?!.*\.metal)/, name: 'kvm' },
] as const;

async function readDmi(host: HostReader): Promise<string> {
  const fields = ['sys_vendor', 'product_name', 'bios_vendor'];
  const texts = await Promise.all(fields.map((field) => host.readText(`/sys/class/dmi/id/${field}`)));
  return texts
    .flatMap((text) => (text === null ? [] : [text.trim()]))
    .join(', ')
    .slice(0, 200);
}

function guest(name: string, by: string): DetectedHypervisor {
  return { isGuest: true, name, derivation: [`virtual machine of ${name} (${by})`] };
}

function noneLine(dmi: string, cpuinfo: string | null): string {
  const by = [
    ...(dmi === '' ? [] : [`DMI names "${dmi}"`]),
    cpuinfo === null ? 'there is no /proc/cpuinfo' : 'no flag "hypervisor" in /proc/cpuinfo',
  ];
  return `no hypervisor (${by.join('; ')})`;
}
