import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { CoreContext } from './context';
import { messageBytesMax } from './message-size';
import { retransmitLimit } from './settings';

/** A compound costs two bytes itself and two of length for each message in it. */
const COMPOUND_BYTES = 2;
const COMPOUND_PER_MESSAGE_BYTES = 2;
/** The type byte of a user message. */
const USER_TYPE_BYTES = 1;

/** `first`, and as much of what waits to be gossiped as still fits into the packet. */
export function withBroadcasts(context: CoreContext, first?: PacketMessage): PacketMessage[] {
  const { packetBytesMax, packetFramingBytes } = context.settings.limits;
  let spaceBytes = packetBytesMax - packetFramingBytes - COMPOUND_BYTES;
  const messages: PacketMessage[] = [];
  if (first !== undefined) {
    messages.push(first);
    spaceBytes -= COMPOUND_PER_MESSAGE_BYTES + messageBytesMax(first);
  }
  const limit = retransmitLimit(context.settings.retransmitMult, context.members.groupSize());
  for (const message of context.queue.take(spaceBytes, COMPOUND_PER_MESSAGE_BYTES, limit)) {
    messages.push(message);
    spaceBytes -= COMPOUND_PER_MESSAGE_BYTES + messageBytesMax(message);
  }
  for (const payload of context.user.broadcasts(spaceBytes, COMPOUND_PER_MESSAGE_BYTES + USER_TYPE_BYTES))
    messages.push({ type: 'user', payload });
  return messages;
}
