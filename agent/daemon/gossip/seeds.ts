import { lookup } from 'node:dns/promises';
import { describeError, Fault } from '#agent/kit/error';
import { addressFamily, withoutBrackets } from '#agent/kit/ip-address';
import type { Log } from '#agent/kit/log';
import type { Address } from '#agent/gossip/core/address';

/** Serf's and memberlist's port. */
export const GOSSIP_PORT = 7946;

/** "host", "host:port", "[::1]:7946" or "::1". Fault(settings) for anything else. */
export function parseSeed(text: string): Address {
  if (addressFamily(text) === 6) return { host: withoutBrackets(text), port: GOSSIP_PORT };
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? GOSSIP_PORT : Number(match[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) {
    throw new Fault('settings', `Cannot use '${text}' as a member to join: it is not host or host:port`, {
      hint: 'gossip_join (KTRDR_GOSSIP_JOIN): such as 192.168.1.100 or control.lan:7946',
    });
  }
  return { host: withoutBrackets(match[1]), port };
}

/** The IP addresses of seeds. A name that does not resolve is left out, and the log says so. */
export async function resolveSeeds(seeds: readonly Address[], log: Log): Promise<Address[]> {
  const resolved = await Promise.all(seeds.map((seed) => resolve(seed, log)));
  return resolved.flat();
}

async function resolve({ host, port }: Address, log: Log): Promise<Address[]> {
  if (addressFamily(host) !== null) return [{ host, port }];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => ({ host: address, port }));
  } catch (error) {
    log.warn('a member to join has no address', { host, reason: describeError(error) });
    return [];
  }
}
