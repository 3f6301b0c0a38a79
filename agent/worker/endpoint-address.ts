import { connect } from 'node:net';
import type { Log } from '#agent/kit/log';

export interface EndpointOptions {
  /** The explicit setting, if there is one. */
  endpointUrl: string | undefined;
  apiUrl: string;
  /** What the agent listens on. A specific address is announced as it is. */
  workerHost: string;
  workerPort: number;
  hostname: string;
  log: Log;
}

/**
 * The URL under which others reach this agent: the setting, else the address it listens on when that
 * is one address, else the local address of a connection to the control plane, else the host name,
 * with a warning. Takes at most CONNECT_TIMEOUT_MS.
 */
export async function endpointUrl(options: EndpointOptions): Promise<string> {
  if (options.endpointUrl !== undefined) return options.endpointUrl;
  if (!isWildcard(options.workerHost)) return urlOf(options.workerHost, options.workerPort);
  const local = await localAddressTowards(options.apiUrl);
  if (local !== undefined) return urlOf(local, options.workerPort);
  options.log.warn('the control plane is not reachable: others are told the host name of this agent', {
    hostname: options.hostname,
    hint: 'set worker_endpoint_url (WORKER_ENDPOINT_URL) when that name does not resolve',
  });
  return urlOf(options.hostname, options.workerPort);
}

/** The address of ours that the route to the control plane uses; undefined when no connection comes about. */
export async function localAddressTowards(apiUrl: string): Promise<string | undefined> {
  const url = new URL(apiUrl);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: url.hostname.replaceAll(/^\[|\]$/g, ''), port });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(undefined));
  socket.once('connect', () => resolve(plainAddress(socket.localAddress)));
  socket.once('error', () => resolve(undefined));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

const CONNECT_TIMEOUT_MS = 2_000;

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '[::]' || host === '*';
}

/** IPv4 in IPv6 notation (RFC 4291 §2.5.5.2) is written as what it is. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '');
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}
