import { z } from 'zod';
import type { GpuCapability } from '#agent/contract/gpu-capability';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

/** system_profiler starts slowly on a Mac that slept. */
const TIMEOUT_MS = 8_000;

/** The GPU of Apple silicon, which jobs reach through Metal (MPS); its memory is the machine's. */
export const appleProbe: Probe<'apple'> = {
  name: 'apple',
  // Nothing of it changes while the machine runs, and each look starts two programs.
  periodMs: 600_000,
  timeoutMs: TIMEOUT_MS + 2_000,
  probe: probeApple,
};

async function probeApple(host: HostReader): Promise<Finding<GpuCapability>> {
  if (host.platform !== 'darwin') return absent('not a Mac');
  const [profile, facts] = await Promise.all([
    host.run(['system_profiler', 'SPDisplaysDataType', '-json'], { timeoutMs: TIMEOUT_MS }),
    host.run(['sysctl', '-n', 'hw.memsize', 'machdep.cpu.brand_string'], { timeoutMs: TIMEOUT_MS }),
  ]);
  if (profile === null || profile.code !== 0) return absent('system_profiler names no display device');
  const displays = parseDisplays(profile.stdout);
  const silicon = displays.filter(({ sppci_model }) => sppci_model.startsWith('Apple '));
  if (silicon.length === 0) {
    const names = displays.map(({ sppci_model }) => sppci_model).join(', ') || 'none';
    return absent(`no GPU of Apple silicon (system_profiler SPDisplaysDataType: ${names})`);
  }
  const [memory = '', processor = ''] = (facts?.stdout ?? '').trim().split('\n');
  const memoryTotalBytes = /^\d{1,15}$/.test(memory) ? Number(memory) : null;
  const devices = silicon.slice(0, DEVICES_MAX).map((display, index) => ({
    index,
    id: display._name.slice(0, 100),
    model: modelOf(display),
    memoryTotalBytes,
    memoryUsedBytes: null,
    utilisationPercent: null,
    allocation: { state: 'untried' as const, reason: UNTRIED },
  }));
  return {
    state: 'present',
    value: { vendor: 'apple', gpuType: 'MPS', driver: null, runtime: metalOf(silicon), devices },
    derivation: [
      ...devices.map(({ model }) => `${model} (system_profiler SPDisplaysDataType)`),
      `${processor || 'processor of unknown name'} (sysctl machdep.cpu.brand_string)`,
      `memory is shared with the processor: ${memory || 'unknown'} bytes in all (sysctl hw.memsize)`,
      UNTRIED,
    ],
  };
}

const DEVICES_MAX = 8;
const UNTRIED = 'Metal belongs to every Apple silicon; not tried, since only a job brings what speaks to it';

/** As much as is needed of what `system_profiler SPDisplaysDataType -json` prints (macOS 11 and later). */
const displaySchema = z.object({
  _name: z.string(),
  sppci_model: z.string(),
  sppci_cores: z.string().optional(),
  /** spdisplays_metal3, spdisplays_metal4; older systems have spdisplays_metal. */
  spdisplays_mtlgpufamilysupport: z.string().optional(),
});
type Display = z.infer<typeof displaySchema>;
const profileSchema = z.object({ SPDisplaysDataType: z.array(displaySchema).max(64) });

function parseDisplays(text: string): Display[] {
  const parsed = profileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.SPDisplaysDataType;
  const [issue] = parsed.error.issues;
  throw new Error(`system_profiler answers in another form: ${issue?.path.join('.')}: ${issue?.message}`);
}

function modelOf({ sppci_model, sppci_cores }: Display): string {
  return (sppci_cores === undefined ? sppci_model : `${sppci_model}, ${sppci_cores} cores`).slice(0, 200);
}

function metalOf(displays: readonly Display[]): string | null {
  const family = displays[0]?.spdisplays_mtlgpufamilysupport;
  const version = /^spdisplays_metal(\d*)$/.exec(family ?? '')?.[1];
  return version === undefined ? null : `Metal ${version}`.trim();
}

function absent(reason: string): Finding<never> {
  return { state: 'absent', reason, derivation: [] };
}
