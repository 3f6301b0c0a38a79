import type { PacketMessage } from '#agent/gossip/wire/messages';

/**
 * An upper bound of a message's bytes on the wire: its type byte and a msgpack map with every field present.
 * Cheap enough to fill packets by, and never too low, so that no packet grows past its limit.
 */
export function messageBytesMax(message: PacketMessage): number {
  switch (message.type) {
    case 'ping':
      return 2 + uint('SeqNo') + text('Node', message.Node) + answerAddressBytes(message);
    case 'indirectPing':
      return (
        2 +
        uint('SeqNo') +
        bytes('Target', message.Target) +
        uint('Port') +
        text('Node', message.Node) +
        uint('Nack') +
        answerAddressBytes(message)
      );
    case 'ackResp':
      return 2 + uint('SeqNo') + bytes('Payload', message.Payload);
    case 'nackResp':
      return 2 + uint('SeqNo');
    case 'suspect':
    case 'dead':
      return 2 + uint('Incarnation') + text('Node', message.Node) + text('From', message.From);
    case 'alive':
      return (
        2 +
        uint('Incarnation') +
        text('Node', message.Node) +
        bytes('Addr', message.Addr) +
        uint('Port') +
        bytes('Meta', message.Meta) +
        bytes('Vsn', message.Vsn)
      );
    case 'user':
      return 1 + message.payload.length;
  }
}

/** Header of a key and of a raw value: at most 3 bytes below 64 KiB, which all fields are. */
const RAW_HEADER_MAX = 3;
/** A key of less than 32 characters has one header byte; an integer takes at most 5. */
const uint = (key: string): number => 1 + key.length + 5;

function bytes(key: string, value: Uint8Array): number {
  return 1 + key.length + RAW_HEADER_MAX + value.length;
}

function text(key: string, value: string): number {
  return 1 + key.length + RAW_HEADER_MAX + Buffer.byteLength(value);
}

function answerAddressBytes(message: {
  SourceAddr?: Uint8Array;
  SourcePort?: number;
  SourceNode?: string;
}): number {
  const { SourceAddr, SourcePort, SourceNode } = message;
  return (
    (SourceAddr === undefined ? 0 : bytes('SourceAddr', SourceAddr)) +
    (SourcePort === undefined ? 0 : uint('SourcePort')) +
    (SourceNode === undefined ? 0 : text('SourceNode', SourceNode))
  );
}
