import { networkInterfaces } from 'node:os';
import { errorCode, Fault } from './error';
import { isLinkLocalAddress, urlHost } from './ip-address';

export interface ListenAttempt {
  host: string;
  port: number;
  /** "worker_host (WORKER_IP)" and "worker_port (WORKER_PORT)", for the hint. */
  hostSetting: string;
  portSetting: string;
  /** Default: the addresses of this machine. */
  addresses?: readonly string[];
}

/** Why a server could not listen. Fault(in_use) for a taken port, Fault(settings) for an address of another machine. */
export function listenFault(attempt: ListenAttempt, cause: unknown): Fault {
  const { host, port, hostSetting, portSetting } = attempt;
  const where = `${urlHost(host)}:${port}`;
  const code = errorCode(cause) ?? 'failed';
  switch (code) {
    case 'EADDRINUSE':
      return new Fault('in_use', `Cannot listen on ${where}: the port is taken`, {
        cause,
        hint: `set ${portSetting} to a free port, or stop the program that listens there`,
        details: { host, port },
      });
    case 'EADDRNOTAVAIL':
      return new Fault('settings', `Cannot listen on ${where}: this machine does not have that address`, {
        cause,
        hint: `set ${hostSetting} to one of ${(attempt.addresses ?? ownAddresses()).join(', ')}; 0.0.0.0 and :: are all of them`,
        details: { host, port },
      });
    case 'EACCES':
      return new Fault('environment', `Cannot listen on ${where}: ports below 1024 are for root`, {
        cause,
        hint: `set ${portSetting} to a higher port`,
      });
    default:
      return new Fault('environment', `Cannot listen on ${where}: ${code}`, {
        cause,
        hint: `set ${hostSetting} and ${portSetting} to an address of this machine`,
      });
  }
}

/** Those that a person would choose; link-local ones need a zone, and are of no use to others. */
function ownAddresses(): string[] {
  const infos = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return infos.map(({ address }) => address).filter((address) => !isLinkLocalAddress(address));
}
