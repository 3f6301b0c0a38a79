import type { udp } from 'bun';
import { describeError, errorCode, Fault } from '#agent/kit/error';
import type { Address } from '#agent/gossip/core/address';

/** The UDP socket of a node. */
export interface PacketSocket extends Disposable {
  readonly port: number;
  /** Packets that do not leave are lost, as any may be; false then. */
  send(to: Address, data: Uint8Array): boolean;
}

export interface PacketOptions {
  readonly host: string;
  readonly port: number;
  readonly onPacket: (data: Uint8Array, from: Address) => void;
  /** Whether it may send to broadcast addresses. */
  readonly broadcast?: boolean;
}

/**
 * Bun switches IP_RECVERR on (ip(7)): that a port is closed is the error of whatever is sent next, which
 * is not sent then. Without a second try the death of one peer would silence us towards another.
 */
const OF_EARLIER_PACKETS = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);
/** One error waits at a time, and several peers may be gone. */
const SENDS_MAX = 4;

/** Binds; Fault(environment) when the address is taken or not of this machine. */
export async function openPackets({
  host,
  port,
  onPacket,
  broadcast = false,
}: PacketOptions): Promise<PacketSocket> {
  let socket: udp.Socket<'buffer'>;
  try {
    socket = await Bun.udpSocket({
      hostname: host,
      port,
      binaryType: 'buffer',
      socket: {
        data: (_, data, fromPort, fromHost) => onPacket(data, { host: fromHost, port: fromPort }),
        // An ICMP answer to an earlier packet: that peer is not there, which the probes find out.
        error: () => undefined,
      },
    });
  } catch (cause) {
    throw bindFault('UDP', { host, port }, cause);
  }
  if (broadcast) socket.setBroadcast(true);
  return {
    port: socket.port,
    send(to, data) {
      for (let attempt = 1; ; attempt++) {
        try {
          return socket.send(data, to.port, to.host);
        } catch (error) {
          // No route, or an address that is none; or the ICMP answer to an earlier packet to somebody else.
          if (attempt === SENDS_MAX || !OF_EARLIER_PACKETS.has(errorCode(error) ?? '')) return false;
        }
      }
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

export function bindFault(protocol: 'UDP' | 'TCP', { host, port }: Address, cause: unknown): Fault {
  const code = errorCode(cause);
  const why = { EADDRINUSE: 'it is in use', EADDRNOTAVAIL: 'this machine has no such address' }[code ?? ''];
  return new Fault(
    'environment',
    `Cannot listen on ${host} port ${port} (${protocol}): ${why ?? describeError(cause)}`,
    {
      cause,
      hint: 'set gossip_host and gossip_port (KTRDR_GOSSIP_HOST, KTRDR_GOSSIP_PORT) to a free address of this machine',
    },
  );
}
