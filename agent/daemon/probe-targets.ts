import type { ProbeTargets } from '#agent/probes/registry';
import type { ResolvedValues } from './settings';

/** What of the settings the probes need. `nodeId` is undefined where there is no identity yet. */
export function probeTargets(values: ResolvedValues, nodeId: string | undefined): ProbeTargets {
  return {
    stateDirectory: values.state_dir,
    cacheDirectory: values.cache_dir,
    gpuLibraryDirectory: values.gpu_library_dir,
    nodeId,
    ib: ibTarget(values),
    proxmoxHost: values.proxmox_host,
    shareDirectory: values.shared_mount_path,
    onnxruntimeDirectory: values.onnxruntime_dir,
    libraryDirectory: values.library_dir,
    softwareCommands: values.software_commands,
  };
}

/** IB Gateway on this machine, with paper trading, where only one half of the address is set. */
function ibTarget({ ib_host, ib_port }: ResolvedValues): ProbeTargets['ib'] {
  if (ib_host === undefined && ib_port === undefined) return undefined;
  return { host: ib_host ?? '127.0.0.1', port: ib_port ?? 4002 };
}
