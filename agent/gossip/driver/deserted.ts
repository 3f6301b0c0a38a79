import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { errorCode } from '#agent/kit/error';
import type { Address } from '#agent/gossip/core/address';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import type { PingMessage } from '#agent/gossip/wire/messages';
import { encodeDatagram, type WireOptions } from '#agent/gossip/wire/packet';

export interface FailedPing {
  readonly to: Address;
  readonly ping: PingMessage;
  /** Why it could not be asked over TCP. */
  readonly error: unknown;
  readonly wire: WireOptions;
}

/** ICMP comes as fast as an answer would; what is later is as good as none. */
const WAIT_MS = 200;

/**
 * Whether the kernel of that machine says that nobody listens at that port: it refused the stream, and calls
 * the UDP port unreachable too. A stalled process has both ports, a cut cable says nothing, and a firewall
 * that refuses one and passes the other gives false.
 */
export async function isDeserted({ to, ping, error, wire }: FailedPing): Promise<boolean> {
  if (!(error instanceof Error) || errorCode(error.cause) !== 'ECONNREFUSED') return false;
  const data = encodeDatagram([encodePacketMessage(ping)], { ...wire, compress: false, checksum: false });
  return isPortUnreachable(to, data);
}

/** Only a connected socket hears of ICMP. */
async function isPortUnreachable(to: Address, data: Uint8Array): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createSocket(isIPv6(to.host) ? 'udp6' : 'udp4');
  const timer = setTimeout(() => resolve(false), WAIT_MS);
  socket.on('error', (reason) => resolve(errorCode(reason) === 'ECONNREFUSED'));
  socket.on('message', () => resolve(false));
  socket.connect(to.port, to.host, () => socket.send(data, () => undefined));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}
