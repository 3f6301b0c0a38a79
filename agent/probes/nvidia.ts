import type { GpuCapability } from '#agent/contract/gpu-capability';
import { Fault } from '#agent/kit/error';
import { isSameProcess, processIdentity, type ProcessIdentity } from '#agent/kit/process';
import { judgeReport } from './gpu/judgement';
import { gpuReportSchema, type GpuReport } from './gpu/report';
import { OWN_PROGRAM, type HostReader } from './host';
import { hasWslLibraries, readNvidiaSigns, readSurroundings, type NvidiaSigns } from './gpu/nvidia-signs';
import type { Finding, Probe } from './probe';

/** A healthy driver without persistence mode needs one to three seconds to wake its devices. */
const LOOK_TIMEOUT_MS = 8_000;

/**
 * NVIDIA devices: files first, then a process of its own that asks the libraries and allocates. Where no
 * file speaks of a device no process is started, unless `libraryDirectory` is set on purpose.
 */
export function nvidiaProbe(
  libraryDirectory: string | undefined,
  lookTimeoutMs = LOOK_TIMEOUT_MS,
): Probe<'nvidia'> {
  const looker = new Looker(libraryDirectory, lookTimeoutMs);
  return {
    name: 'nvidia',
    periodMs: 60_000,
    // To kill the process and to say what became of it takes a moment longer.
    timeoutMs: lookTimeoutMs + 2_000,
    // A look at a device that failed is not cheap, and what was lost is seldom back in seconds.
    retryMs: 20_000,
    probe: (host) => probeNvidia(host, looker),
  };
}

async function probeNvidia(host: HostReader, looker: Looker): Promise<Finding<GpuCapability>> {
  if (host.platform !== 'linux') return absent(`NVIDIA has no driver for ${host.platform}`);
  const signs = await readNvidiaSigns(host);
  if (!looker.isSetUp) {
    const reason = await absence(host, signs);
    if (reason !== undefined) return absent(reason.reason, reason.derivation);
  }
  await requireNodes(host, signs);
  const report = await looker.look(host);
  const judgement = judgeReport(report, { signs, surroundings: await readSurroundings(host) });
  if ('trouble' in judgement) throw new Fault('environment', judgement.trouble);
  return judgement;
}

interface Absence {
  reason: string;
  derivation: string[];
}

/** Why there is no device to ask for; undefined when a device may be there. */
async function absence(host: HostReader, signs: NvidiaSigns): Promise<Absence | undefined> {
  const { nodes, kernelDriver, pci, hasDxg } = signs;
  if (nodes.length > 0) return undefined;
  if (hasDxg) {
    if (await hasWslLibraries(host)) return undefined;
    return {
      reason: 'Windows offers this WSL no NVIDIA device: no NVIDIA library in /usr/lib/wsl/lib',
      derivation: ['with an NVIDIA card in the machine: install its driver on Windows, then wsl --shutdown'],
    };
  }
  if (kernelDriver !== null) {
    const { isContainer, grant, restart } = await readSurroundings(host);
    // Outside containers the libraries make the nodes when they are first used (nvidia-modprobe).
    if (!isContainer) return undefined;
    return {
      reason: `the host runs NVIDIA's driver ${kernelDriver} and gives this container no device`,
      derivation: [`no /dev/nvidia*; to give it one: ${grant}; then ${restart}`],
    };
  }
  return pci.length === 0 ? noHardware : withoutDriver(pci);
}

const noHardware: Absence = {
  reason: 'no NVIDIA hardware',
  derivation: [
    'no /dev/nvidia*, no /proc/driver/nvidia, no display device of vendor 0x10de in /sys/bus/pci/devices',
  ],
};

function withoutDriver(pci: NvidiaSigns['pci']): Absence {
  const found = pci.map(({ address, driver }) => `${address} (${driver ?? 'no driver'})`).join(', ');
  const isPassedOn = pci.every(({ driver }) => driver === 'vfio-pci');
  return {
    reason: isPassedOn
      ? `the NVIDIA device ${found} is kept for a virtual machine`
      : `the NVIDIA device ${found} has no NVIDIA driver`,
    derivation: isPassedOn
      ? ['vfio-pci has it; run an agent in that virtual machine']
      : ["install NVIDIA's driver (Debian: apt install nvidia-driver) and reboot"],
  };
}

/** Device nodes that refuse to open explain more than what the libraries make of them. */
async function requireNodes(host: HostReader, { nodes }: NvidiaSigns): Promise<void> {
  for (const name of ['nvidiactl', 'nvidia-uvm']) {
    if (!nodes.includes(name)) continue;
    // Neither touches a device, so that this does not block; nvidia0 would wake it.
    const answer = await host.openDevice(`/dev/${name}`);
    if (answer !== 'opened') throw await refusedNode(host, `/dev/${name}`, answer);
  }
}

async function refusedNode(host: HostReader, path: string, code: string): Promise<Fault> {
  const { isContainer, restart, keep } = await readSurroundings(host);
  const state = `${path} is there and cannot be opened (${code})`;
  if (code === 'EPERM' && isContainer) {
    return new Fault(
      'environment',
      `${state}: the container lost its device rights, as after systemctl daemon-reload on the host. ` +
        `Now: ${restart}. For good: ${keep}.`,
    );
  }
  const fix: Readonly<Record<string, string>> = {
    EPERM: "the unit's device rules refuse it. Allow it: DeviceAllow=char-nvidia* rw in the agent's unit.",
    EACCES: 'this user may not. Add the user to the group of the file (ls -l /dev/nvidia*).',
  };
  return new Fault(
    'environment',
    `${state}: ${fix[code] ?? `its driver does not answer. ${isContainer ? `On the host: ` : ''}modprobe nvidia, or reboot.`}`,
  );
}

/** Asks one process at a time, and none while an earlier one cannot even be killed. */
class Looker {
  readonly #libraryDirectory: string | undefined;
  readonly #timeoutMs: number;
  #stuck: ProcessIdentity | undefined;

  constructor(libraryDirectory: string | undefined, timeoutMs: number) {
    this.#libraryDirectory = libraryDirectory;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether the settings say where the libraries are: reason enough to look. */
  get isSetUp(): boolean {
    return this.#libraryDirectory !== undefined;
  }

  async look(host: HostReader): Promise<GpuReport> {
    if (this.#stuck !== undefined && isSameProcess(this.#stuck)) throw stuckFault(this.#stuck.pid);
    this.#stuck = undefined;
    const argv = [
      OWN_PROGRAM,
      '__gpu',
      ...(this.#libraryDirectory === undefined ? [] : [this.#libraryDirectory]),
    ];
    try {
      const result = await host.run(argv, { timeoutMs: this.#timeoutMs });
      if (result?.code === 0) return parseReport(result.stdout);
      const end = result === null ? 'it did not start' : `exit code ${result.code} ${result.stderr.trim()}`;
      throw new Fault('environment', `The process that asks NVIDIA's driver ended badly: ${end}`);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Fault) || error.code !== 'timeout') return error;
    const pid = error.details?.pid;
    if (typeof pid !== 'number') {
      const state = `NVIDIA's driver does not answer within ${this.#timeoutMs / 1000} s (the process that asked was killed).`;
      return new Fault('timeout', `${state} Look for NVRM and Xid in the kernel log (dmesg), then reboot.`);
    }
    this.#stuck = processIdentity(pid);
    return stuckFault(pid);
  }
}

function stuckFault(pid: number): Fault {
  return new Fault(
    'timeout',
    `NVIDIA's driver does not answer: process ${pid}, which asked it, hangs in the kernel and cannot be killed. ` +
      'The driver is not asked again while it does. Reboot the machine.',
  );
}

function parseReport(stdout: string): GpuReport {
  const parsed = gpuReportSchema.safeParse(parseJson(stdout));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault(
    'internal',
    `Cannot read the answer about NVIDIA devices: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function absent(reason: string, derivation: string[] = []): Finding<never> {
  return { state: 'absent', reason, derivation };
}
