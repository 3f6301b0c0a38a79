import { unreachable } from '#agent/kit/assert';
import type { AckMessage, PacketMessage, PingMessage, PushPullMessage } from '#agent/gossip/wire/messages';
import type { Address } from './address';
import type { Answers } from './answers';
import type { Claims } from './claims';
import type { CoreContext } from './context';
import type { PushPull } from './push-pull';

export interface Receivers {
  readonly context: CoreContext;
  readonly claims: Claims;
  readonly answers: Answers;
  readonly pushPull: PushPull;
}

/** One message of a datagram, to the part whose business it is. */
export function receive(receivers: Receivers, message: PacketMessage, from: Address): void {
  const { context, claims, answers } = receivers;
  switch (message.type) {
    case 'ping':
      answers.ping(message, from);
      return;
    case 'indirectPing':
      answers.indirectPing(message, from);
      return;
    case 'ackResp':
      answers.ack(message);
      return;
    case 'nackResp':
      answers.nack(message);
      return;
    case 'suspect':
      claims.suspect(message, from);
      return;
    case 'alive':
      claims.alive(message);
      return;
    case 'dead':
      claims.dead(message, from);
      return;
    case 'user':
      context.effects.push({ kind: 'user', from, payload: message.payload });
      return;
    default:
      unreachable(message);
  }
}

/** A stream that a peer opened: its ping over TCP, or its state. */
export function answerDialog(
  { context, pushPull }: Receivers,
  { dialog, message }: { readonly dialog: number; readonly message: PingMessage | PushPullMessage },
): void {
  if (message.type === 'pushPull') {
    const answer = pushPull.answer(message);
    const response = 'state' in answer ? answer.state : ({ type: 'err', Error: answer.refusal } as const);
    context.effects.push({ kind: 'reply', dialog, message: response });
    return;
  }
  if (message.Node !== '' && message.Node !== context.selfName) {
    context.counters.pingForOther++;
    const error = `Cannot answer a ping for ${message.Node}: this is ${context.selfName}`;
    context.effects.push({ kind: 'reply', dialog, message: { type: 'err', Error: error } });
    return;
  }
  const ack: AckMessage = { type: 'ackResp', SeqNo: message.SeqNo, Payload: context.user.ackPayload() };
  context.effects.push({ kind: 'reply', dialog, message: ack });
}
