import type { Clock } from '#agent/kit/clock';
import type { Address } from '#agent/gossip/core/address';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import { decodeDatagram, encodeDatagram, type WireOptions } from '#agent/gossip/wire/packet';
import { openPackets } from './packets';

export interface BroadcastOptions {
  /** Port at which members of the fleet listen. */
  readonly port: number;
  /** Default: the limited broadcast address, which no router forwards. */
  readonly to?: string;
  readonly wire: WireOptions;
  readonly clock: Clock;
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

const EVERYWHERE = '255.255.255.255';
const FOUND_MAX = 16;

/**
 * Members on the local network: a ping without a name is answered by whoever hears it and has our key,
 * a real serf agent too. Empty when nobody answers within `waitMs`, or where broadcasts are not allowed.
 */
export async function findByBroadcast(options: BroadcastOptions): Promise<Address[]> {
  const { port, to = EVERYWHERE, wire, clock, waitMs, signal } = options;
  const found = new Map<string, Address>();
  using socket = await openPackets({
    host: '0.0.0.0',
    port: 0,
    broadcast: true,
    onPacket(data, from) {
      const { messages } = decodeDatagram(data, wire);
      const isAnswer = messages.some((message) => message.type === 'ackResp');
      if (isAnswer && found.size < FOUND_MAX) found.set(`${from.host}:${from.port}`, from);
    },
  });
  const ping = encodePacketMessage({ type: 'ping', SeqNo: 1, Node: '' });
  socket.send({ host: to, port }, encodeDatagram([ping], { ...wire, compress: false, checksum: false }));
  await clock.sleep(waitMs, signal);
  return [...found.values()];
}
