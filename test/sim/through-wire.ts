import { assert } from '#agent/kit/assert';
import type { Rng } from '#agent/kit/rng';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { decodeDatagram, encodeDatagram, type PacketOptions } from '#agent/gossip/wire/packet';
import { LAN } from '#agent/gossip/core/settings';

/** Each datagram as its real bytes, encrypted, compressed and checked, and back: the slow mode of a run. */
export function throughWire(rng: Rng): (messages: readonly PacketMessage[]) => readonly PacketMessage[] {
  const random = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => rng.below(256));
  const options: PacketOptions = {
    keyring: [random(32)],
    label: new Uint8Array(0),
    random,
    compress: true,
    checksum: true,
  };
  return (messages) => {
    const datagram = encodeDatagram(
      messages.map((message) => encodePacketMessage(message)),
      options,
    );
    assert(datagram.length <= LAN.limits.packetBytesMax, `a datagram of ${datagram.length} bytes`);
    const { messages: decoded, problems } = decodeDatagram(datagram, options);
    assert(problems.length === 0, `a datagram of our own: ${JSON.stringify(problems)}`);
    return decoded;
  };
}
