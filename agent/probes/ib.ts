import { connect } from 'node:net';
import type { IbCapability } from '#agent/contract/host-capabilities';
import { errorCode } from '#agent/kit/error';
import { urlHost, withoutBrackets } from '#agent/kit/ip-address';
import type { Finding, Probe } from './probe';

export interface IbAddress {
  host: string;
  port: number;
}

/** Whether the API of Interactive Brokers' TWS or Gateway can be reached from here. */
export function ibProbe(targets: { ib?: IbAddress | undefined }): Probe<'ib'> {
  return {
    name: 'ib',
    periodMs: 30_000,
    timeoutMs: CONNECT_TIMEOUT_MS + 500,
    isLate: true,
    probe: () => probeIb(targets.ib),
  };
}

/** Longer than a lost SYN takes to be sent again, which is after one second (RFC 6298). */
export const CONNECT_TIMEOUT_MS = 2_000;

async function probeIb(address: IbAddress | undefined): Promise<Finding<IbCapability>> {
  if (address === undefined) {
    const hint = 'set ib_host and ib_port (IB_HOST, IB_PORT) on a machine that reaches TWS or IB Gateway';
    return { state: 'absent', reason: 'no IB access is set', derivation: [hint] };
  }
  const where = `${urlHost(address.host)}:${address.port}`;
  const found = await tryConnect(address);
  if (typeof found === 'string') {
    const { reason, fix } = refusal(found, where);
    return { state: 'absent', reason, derivation: [fix] };
  }
  const connectMs = Math.round(found.connectMs * 10) / 10;
  return {
    state: 'present',
    value: { ...address, connectMs },
    derivation: [
      `${where} answers, in ${connectMs} ms (${portMeaning(address.port)})`,
      'the port answers; the API handshake is not tried by this version',
    ],
  };
}

/** The time it took, or the error code; ETIMEDOUT also when it was we who gave up. */
async function tryConnect({ host, port }: IbAddress): Promise<{ connectMs: number } | string> {
  const startMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<{ connectMs: number } | string>();
  const socket = connect({ host: withoutBrackets(host), port });
  socket.once('connect', () => resolve({ connectMs: performance.now() - startMs }));
  socket.once('error', (error) => resolve(errorCode(error) ?? error.message));
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve('ETIMEDOUT'));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

function refusal(code: string, where: string): { reason: string; fix: string } {
  switch (code) {
    case 'ECONNREFUSED':
      return {
        reason: `${where} refuses connections`,
        fix: `start TWS or IB Gateway and log in, enable the API there (Configure, API, Settings: "Enable ActiveX and Socket Clients"), and compare the port: ${PORTS}`,
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return {
        reason: `${where} does not answer (${code})`,
        fix: 'is the machine on, and does its firewall let this one in? TWS and IB Gateway also need "Allow connections from localhost only" off, and this address among the Trusted IPs',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'DNS_ENOTFOUND':
      return {
        reason: `${where} cannot be found: there is no such host name (${code})`,
        fix: 'correct ib_host (IB_HOST), or write the address of that machine there',
      };
    default:
      return {
        reason: `${where} cannot be reached (${code})`,
        fix: `check ib_host and ib_port; ports: ${PORTS}`,
      };
  }
}

const PORTS = 'IB Gateway 4001 live, 4002 paper; TWS 7496 live, 7497 paper';

const MEANINGS: Readonly<Record<number, string>> = {
  4001: 'the usual port of IB Gateway, live',
  4002: 'the usual port of IB Gateway, paper trading',
  7496: 'the usual port of TWS, live',
  7497: 'the usual port of TWS, paper trading',
};

function portMeaning(port: number): string {
  return MEANINGS[port] ?? `not one of the usual ports; ${PORTS}`;
}
