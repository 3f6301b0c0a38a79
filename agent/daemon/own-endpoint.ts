import type { Capabilities } from '#agent/contract/capability';
import type { EndpointOptions } from '#agent/worker/endpoint-address';
import { describeSettingOrigin, type LoadedSettings } from './settings';

export interface OwnEndpointParts {
  hostname: string;
  /** The port that the agent really has; the setting may leave the choice to the system. */
  workerPort: number;
  /** Of the control plane that is asked now; default that of the settings. */
  apiUrl?: string;
  capabilities: Capabilities;
}

/** What findEndpoint() needs of the settings and the probes; for the agent itself, and for doctor. */
export function ownEndpoint(settings: LoadedSettings, parts: OwnEndpointParts): EndpointOptions {
  const { values } = settings;
  const { network } = parts.capabilities;
  return {
    explicit: explicitUrl(settings),
    apiUrl: URL.canParse(parts.apiUrl ?? '') ? (parts.apiUrl as string) : values.api_url,
    workerHost: values.worker_host,
    workerPort: parts.workerPort,
    hostname: parts.hostname,
    interfaces: network?.state === 'present' ? network.value.interfaces : [],
  };
}

/** WORKER_ENDPOINT_URL goes before WORKER_PUBLIC_BASE_URL, wherever each is set. */
export function explicitUrl({ values, origins }: LoadedSettings): EndpointOptions['explicit'] {
  for (const name of ['worker_endpoint_url', 'worker_public_base_url'] as const) {
    const url = values[name];
    if (url !== undefined) return { url, setting: `${name} (${describeSettingOrigin(origins[name])})` };
  }
  return undefined;
}
