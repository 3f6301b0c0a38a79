import type { AckMessage, IndirectPingMessage, NackMessage, PingMessage } from '#agent/gossip/wire/messages';
import { ipText, normalizedIp, type Address } from './address';
import { reply, send, type CoreContext } from './context';
import { withBroadcasts } from './packing';
import type { Prober } from './probe';
import type { Timer } from './timer-heap';

/** Answers to pings of others, and pings on their behalf. */
export interface Answers {
  ping(message: PingMessage, from: Address): void;
  indirectPing(message: IndirectPingMessage, from: Address): void;
  ack(message: AckMessage): void;
  nack(message: NackMessage): void;
}

interface Relay {
  readonly sequence: number;
  readonly to: Address;
  timer: Timer | undefined;
}

/**
 * Of the probe time-out: at its end, as memberlist sends it, a nack comes after the asker's verdict, who then
 * takes every crash for a fault of its own. The paper sends it at 80 % (arXiv 1707.00788, §4.1).
 */
const NACK_SHARE = 0.8;

export function createAnswers(context: CoreContext, prober: Prober, nextSequence: () => number): Answers {
  const { settings, counters, timers } = context;
  const relays = new Map<number, Relay>();

  return {
    ping(message, from) {
      // An address that changed hands: an ack would keep a dead member alive.
      if (message.Node !== '' && message.Node !== context.selfName) {
        counters.pingForOther++;
        return;
      }
      const ack = { type: 'ackResp', SeqNo: message.SeqNo, Payload: context.user.ackPayload() } as const;
      answer(context, answerAddress(message, from), ack);
    },
    indirectPing(message, from) {
      const target = normalizedIp(message.Target);
      if (target === undefined || message.Port < 1 || message.Port > 65_535) {
        counters.malformed++;
        return;
      }
      if (relays.size >= settings.limits.relaysMax) {
        counters.relaysFull++;
        return;
      }
      const ownSequence = nextSequence();
      const to = answerAddress(message, from);
      const relay: Relay = { sequence: message.SeqNo, to, timer: undefined };
      relays.set(ownSequence, relay);
      const endMs = context.nowMs + settings.probeTimeoutMs;
      relay.timer = timers.set(context.nowMs + NACK_SHARE * settings.probeTimeoutMs, () => {
        if (message.Nack) send(context, to, [{ type: 'nackResp', SeqNo: message.SeqNo }]);
        relay.timer = timers.set(endMs, () => {
          relays.delete(ownSequence);
        });
      });
      const ping = { type: 'ping', SeqNo: ownSequence, Node: message.Node } as const;
      answer(context, { host: ipText(target), port: message.Port }, ping);
    },
    ack({ SeqNo, Payload }) {
      if (prober.acked(SeqNo, Payload)) return;
      const relay = relays.get(SeqNo);
      if (relay === undefined) {
        counters.unexpectedAck++;
        return;
      }
      relays.delete(SeqNo);
      timers.cancel(relay.timer);
      reply(context, relay.to, [{ type: 'ackResp', SeqNo: relay.sequence, Payload: new Uint8Array(0) }]);
    },
    nack({ SeqNo }) {
      if (!prober.nacked(SeqNo)) counters.unexpectedAck++;
    },
  };
}

/** As memberlist does it, an answer carries broadcasts where there is room. */
function answer(context: CoreContext, to: Address, message: AckMessage | PingMessage): void {
  if (context.repliesLeft > 0) reply(context, to, withBroadcasts(context, message));
  else reply(context, to, [message]);
}

/** Behind address translation the packet's source may be nobody; the message says where it came from. */
function answerAddress(
  { SourceAddr, SourcePort }: { readonly SourceAddr?: Uint8Array; readonly SourcePort?: number },
  from: Address,
): Address {
  const addr = SourceAddr === undefined ? undefined : normalizedIp(SourceAddr);
  if (addr === undefined || SourcePort === undefined || SourcePort < 1 || SourcePort > 65_535) return from;
  return { host: ipText(addr), port: SourcePort };
}
