import { connect } from 'node:net';
import type { NetworkInterface } from '#agent/contract/host-capabilities';
import {
  addressFamily,
  isLinkLocalAddress,
  isLoopbackAddress,
  isWildcard,
  plainAddress,
  urlHost,
  withoutBrackets,
} from '#agent/kit/ip-address';

export interface EndpointOptions {
  /** What people set, and where: "worker_endpoint_url (environment WORKER_ENDPOINT_URL)". */
  explicit: { url: string; setting: string } | undefined;
  apiUrl: string;
  /** What the agent listens on. */
  workerHost: string;
  workerPort: number;
  hostname: string;
  interfaces: readonly NetworkInterface[];
}

/** Where others reach this agent, which rule says so, and why, in sentences for people. */
export interface Endpoint {
  url: string;
  rule: 'setting' | 'bind address' | 'route' | 'host name';
  derivation: string[];
}

/**
 * The URL under which others reach this agent: the setting, else the address it listens on when that
 * is one address, else the local address of a connection to the control plane, else the host name,
 * which is worth a warning. Takes at most CONNECT_TIMEOUT_MS.
 */
export async function findEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const decided = settledEndpoint(options);
  return decided ?? routedEndpoint(options, await localAddressTowards(options.apiUrl));
}

/** The first two rules, which need no network; null when neither applies. */
export function settledEndpoint(options: EndpointOptions): Endpoint | null {
  const { explicit, workerHost, workerPort } = options;
  if (explicit !== undefined) return explicitEndpoint(explicit, workerPort);
  if (isWildcard(workerHost)) return null;
  if (isLinkLocalAddress(workerHost)) {
    const why = `${workerHost}, the one address it listens on (worker_host), is link-local and says nothing to others`;
    return hostNameEndpoint(options, why);
  }
  const alone = isLoopbackAddress(workerHost) ? ': other machines cannot reach it' : '';
  return {
    url: urlOf(workerHost, workerPort),
    rule: 'bind address',
    derivation: [`${workerHost} is the one address it listens on (worker_host)${alone}`],
  };
}

/** The other rules. `local` is our end of a connection to the control plane; undefined when there was none. */
export function routedEndpoint(options: EndpointOptions, local: string | undefined): Endpoint {
  const { workerPort, apiUrl } = options;
  if (local === undefined) return hostNameEndpoint(options, `no connection to ${apiUrl} came about`);
  const because = unusable(options, local);
  const line = `${local} is our end of a connection to ${apiUrl}`;
  if (because === null) {
    const alone = isLoopbackAddress(local) ? ': other machines cannot reach it' : '';
    return { url: urlOf(local, workerPort), rule: 'route', derivation: [`${line}${alone}`] };
  }
  const instead = substitute(options, local);
  if (instead === null) return hostNameEndpoint(options, `${line}, but ${because}, and there is no other`);
  return {
    url: urlOf(instead.address, workerPort),
    rule: 'route',
    derivation: [`${line}, but ${because}`, `${instead.address} of ${instead.name} takes its place`],
  };
}

/** The address of ours that the route to the control plane uses; undefined when no connection comes about. */
export async function localAddressTowards(apiUrl: string): Promise<string | undefined> {
  const url = new URL(apiUrl);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: withoutBrackets(url.hostname), port });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(undefined));
  socket.once('connect', () => resolve(socket.localAddress));
  socket.once('error', () => resolve(undefined));
  try {
    const address = await promise;
    return address === undefined ? undefined : plainAddress(address);
  } finally {
    socket.destroy();
  }
}

const CONNECT_TIMEOUT_MS = 2_000;

function explicitEndpoint({ url, setting }: { url: string; setting: string }, workerPort: number): Endpoint {
  const { port, protocol, hostname } = new URL(url);
  const usual = protocol === 'https:' ? 443 : 80;
  const noPort =
    port === '' && usual !== workerPort
      ? [`${url} names no port, so ${hostname} is asked at ${usual}; this agent listens on ${workerPort}`]
      : [];
  // Paths are appended to it.
  return { url: url.replace(/\/+$/, ''), rule: 'setting', derivation: [`as ${setting} says`, ...noPort] };
}

/** Null for an address that others can use as well as the control plane. */
function unusable({ workerHost, interfaces }: EndpointOptions, local: string): string | null {
  if (isLinkLocalAddress(local)) return 'a link-local address says nothing to others';
  if (!listensOn(workerHost, local)) return `this agent listens on IPv4 only (worker_host ${workerHost})`;
  if (isLoopbackAddress(local)) return null;
  const holder = interfaces.find(({ addresses }) => addresses.some(({ address }) => address === local));
  return holder === undefined || holder.ignored === null
    ? null
    : `${holder.name} is ignored: ${holder.ignored}`;
}

/** The wildcard of IPv6 takes IPv4 as well; that of IPv4 does not take IPv6. */
function listensOn(workerHost: string, address: string): boolean {
  return !(workerHost === '0.0.0.0' && addressFamily(address) === 6);
}

/** Another address: of the same interface before others, IPv4 before IPv6. */
function substitute(
  { workerHost, interfaces }: EndpointOptions,
  local: string,
): { name: string; address: string } | null {
  const candidates = interfaces
    .filter(({ ignored }) => ignored === null)
    .flatMap(({ name, addresses }) => {
      const isSame = addresses.some(({ address }) => address === local);
      return addresses.map(({ address, family }) => ({ name, address, rank: (isSame ? 0 : 10) + family }));
    })
    .filter(({ address }) => !isLinkLocalAddress(address) && listensOn(workerHost, address))
    .toSorted((left, right) => left.rank - right.rank);
  return candidates[0] ?? null;
}

function hostNameEndpoint({ hostname, workerPort }: EndpointOptions, why: string): Endpoint {
  return {
    url: urlOf(hostname, workerPort),
    rule: 'host name',
    derivation: [
      why,
      `so others are told the host name ${hostname}, which may mean nothing to them; set worker_endpoint_url (WORKER_ENDPOINT_URL) where it does not resolve`,
    ],
  };
}

function urlOf(host: string, port: number): string {
  return `http://${urlHost(host)}:${port}`;
}
