import type { NetworkInterface } from '#agent/contract/host-capabilities';
import {
  isLinkLocalAddress,
  isLoopbackAddress,
  isWildcard,
  urlHost,
  withoutBrackets,
} from '#agent/kit/ip-address';
import type { Address } from '#agent/gossip/core/address';
import { localAddressTowards } from '#agent/worker/endpoint-address';

export interface AdvertiseOptions {
  /** gossip_advertise. */
  readonly explicit: string | undefined;
  /** What gossip listens on. */
  readonly bindHost: string;
  /** URL of the control plane, where there is one in the settings. */
  readonly apiUrl: string | undefined;
  readonly seeds: readonly Address[];
  readonly interfaces: readonly NetworkInterface[];
}

/**
 * The address that others are told: the setting, else the one address it listens on, else our end of a
 * connection to the control plane or to a member to join, else the first address of this machine that
 * is not ignored, else loopback.
 */
export async function advertisedHost(options: AdvertiseOptions): Promise<string> {
  const { explicit, bindHost, apiUrl, seeds } = options;
  if (explicit !== undefined) return withoutBrackets(explicit);
  if (!isWildcard(bindHost)) return withoutBrackets(bindHost);
  const towards = seeds.map(({ host, port }) => `http://${urlHost(host)}:${port}`);
  for (const url of apiUrl === undefined ? towards : [apiUrl, ...towards]) {
    const local = await localAddressTowards(url);
    if (local !== undefined && !isLoopbackAddress(local)) return local;
  }
  return firstUseful(options) ?? '127.0.0.1';
}

function firstUseful({ interfaces, bindHost }: AdvertiseOptions): string | undefined {
  const hearsIpv6 = bindHost.includes(':') || bindHost === '*';
  return interfaces
    .filter(({ ignored }) => ignored === null)
    .flatMap(({ addresses }) => addresses)
    .find(({ address, family }) => !isLinkLocalAddress(address) && (family === 4 || hearsIpv6))?.address;
}
