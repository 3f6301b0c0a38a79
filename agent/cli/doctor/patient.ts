import type { Capabilities } from '#agent/contract/capability';
import type { DoctorReport } from '#agent/contract/doctor';
import { createClient } from '#agent/client/client';
import { tokenFile } from '#agent/client/token-file';
import { probeTargets } from '#agent/daemon/probe-targets';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { systemHost, type HostReader } from '#agent/probes/host';
import { allProbes } from '#agent/probes/registry';
import { probeOnce } from '#agent/probes/run';
import type { Shell } from '#agent/cli/shell';
import { hostOf, isReadable } from './agent-host';
import { contactControl, type ControlContact } from './control-contact';
import { findHolders, readListeners, type Holder, type Listener } from './listeners';
import { once } from './once';
import { findServices, type Service } from './services';
import type { SettingsReading } from './settings-reading';

/** The machine under examination: what several checks look at, each read once, when first asked for. */
export interface Patient {
  readonly settings: SettingsReading['settings'];
  readonly settingsFaults: readonly Fault[];
  readonly homeless: boolean;
  readonly fleet: SettingsReading['fleet'];
  readonly environment: Shell['environment'];
  readonly uid: number;
  readonly clock: Clock;
  readonly host: HostReader;
  /** The machine as the service here sees it, where one runs and this user may look at it. */
  readonly serviceHost: () => Promise<HostReader>;
  /** Aborts when the examination is over, or somebody ends it. */
  readonly signal: AbortSignal;
  readonly services: () => Promise<readonly Service[]>;
  readonly capabilities: () => Promise<Capabilities>;
  /** Null where the system does not list them. */
  readonly listeners: () => Promise<readonly Listener[] | null>;
  /** The processes of the listeners, by inode, as far as this user may see them. */
  readonly holders: () => Promise<ReadonlyMap<string, Holder>>;
  readonly control: () => Promise<ControlContact>;
  /** The checks of the control plane, or the fault that answered instead. */
  readonly report: () => Promise<DoctorReport | Fault>;
}

export function examine(
  shell: Shell,
  { settings, fleet, faults, homeless }: SettingsReading,
  signal: AbortSignal,
): Patient {
  const { clock, environment, uid } = shell;
  const { values } = settings;
  const listeners = once(() => readListeners(systemHost));
  const holders = once(async () => findHolders((await listeners()) ?? [], signal));
  const services = once(async () =>
    findServices({ settings, fleet, uid, signal, listeners: await listeners(), holders: await holders() }),
  );
  const serviceHost = once(async () => {
    const running = (await services()).filter(({ isRunning }) => isRunning);
    const service = running.find(({ role }) => role === 'worker') ?? running[0];
    const pid = service?.holder?.pid;
    return pid !== undefined && (await isReadable(pid, systemHost)) ? hostOf(pid, systemHost) : systemHost;
  });
  const client = createClient({ url: values.api_url, token: tokenFile(values.token_file) });
  return {
    settings,
    settingsFaults: faults,
    homeless,
    fleet,
    environment,
    uid,
    clock,
    host: systemHost,
    serviceHost,
    signal,
    services,
    capabilities: once(async () => {
      // In a fleet of `dev up` each member has directories of its own; the first agent's speak for all.
      const agent = (await services()).find(({ role }) => role === 'worker');
      const own = agent?.settings.values ?? values;
      const { stateDir: state_dir, cacheDir: cache_dir } = agent?.directories ?? {
        stateDir: own.state_dir,
        cacheDir: own.cache_dir,
      };
      const targets = probeTargets({ ...own, state_dir, cache_dir }, undefined);
      return await probeOnce({
        probes: allProbes(targets),
        host: await serviceHost(),
        clock,
        log: silentLog,
        // No heartbeat waits for these looks: a busy machine gets the time it needs.
        timeoutMs: PROBE_MS_MAX,
      });
    }),
    listeners,
    holders,
    control: once(() => contactControl(values.api_url, { clock, signal })),
    report: once(async () => {
      try {
        return (await client.call('getDoctor', { signal, timeoutMs: REPORT_MS_MAX })).data;
      } catch (error) {
        if (error instanceof Fault) return error;
        throw error;
      }
    }),
  };
}

const REPORT_MS_MAX = 3_500;
/** After 1.5 s at most for those who answer here, and within the whole. */
const PROBE_MS_MAX = 2_500;
