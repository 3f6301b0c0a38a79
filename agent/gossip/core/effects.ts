/** What goes into the core and what comes out: plain values, so that a run can be recorded and repeated. */
import type {
  AckMessage,
  ErrorMessage,
  PacketMessage,
  PingMessage,
  PushPullMessage,
} from '#agent/gossip/wire/messages';
import type { Address } from './address';
import type { Member } from './member';

export type DialogOutcome =
  | { readonly ok: true; readonly message: AckMessage | PushPullMessage }
  /** `deserted`: the kernel of that machine says that nobody listens there, neither by TCP nor by UDP. */
  | { readonly ok: false; readonly reason: string; readonly deserted?: boolean };

export type Input =
  /** Timers are due: the time of nextTimerMs() has come. */
  | { readonly kind: 'tick' }
  /** One datagram, its compound taken apart. */
  | { readonly kind: 'packet'; readonly from: Address; readonly messages: readonly PacketMessage[] }
  /** A peer opened a stream; answered by the effect `reply` with the same dialog number. */
  | {
      readonly kind: 'dialog-request';
      readonly dialog: number;
      readonly from: Address;
      readonly message: PingMessage | PushPullMessage;
    }
  /** How a stream that the core asked for ended. */
  | { readonly kind: 'dialog-result'; readonly dialog: number; readonly outcome: DialogOutcome }
  | { readonly kind: 'join'; readonly seeds: readonly Address[] }
  | { readonly kind: 'leave' }
  /** New tags of this node, at most metaBytesMax bytes. */
  | { readonly kind: 'set-meta'; readonly meta: Uint8Array }
  /** Calls a failed member left, so that nobody waits for it any more. */
  | { readonly kind: 'force-leave'; readonly name: string }
  /** Drops a failed or left member from the table. */
  | { readonly kind: 'forget'; readonly name: string }
  /** The user layer has something to broadcast. */
  | { readonly kind: 'user-broadcast' }
  /** The event loop stood still for this long, as the driver measured it. */
  | { readonly kind: 'lag'; readonly lagMs: number };

export type MemberChange =
  | 'join'
  /** New tags, address or versions. */
  | 'update'
  | 'suspect'
  /** Suspect no longer. */
  | 'recover'
  | 'failed'
  | 'left'
  /** Only the incarnation is higher. */
  | 'refresh'
  /** Out of the table: its retention is over. */
  | 'reap';

/** How a member answers probes. `degraded`: by TCP only, so gossip reaches it only through push/pull. */
export type UdpPath = 'ok' | 'degraded';

export type Effect =
  | { readonly kind: 'send'; readonly to: Address; readonly messages: readonly PacketMessage[] }
  /** Open a stream, send the request, give back the answer as `dialog-result`. */
  | {
      readonly kind: 'dialog';
      readonly dialog: number;
      readonly to: Address;
      readonly request: PingMessage | PushPullMessage;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'reply';
      readonly dialog: number;
      readonly message: AckMessage | PushPullMessage | ErrorMessage;
    }
  /** To be on disk before a restart; a loss is made good by the wall clock (startingIncarnation). */
  | { readonly kind: 'persist'; readonly incarnation: number }
  | {
      readonly kind: 'member';
      readonly change: MemberChange;
      readonly member: Member;
      readonly previous: Member | undefined;
    }
  /** Somebody else uses a name; the first one holds it. For our own name, `held` is this node. */
  | { readonly kind: 'conflict'; readonly held: Member; readonly claimant: Address }
  | { readonly kind: 'user'; readonly from: Address; readonly payload: Uint8Array }
  | { readonly kind: 'user-state'; readonly join: boolean; readonly state: Uint8Array }
  | {
      readonly kind: 'round-trip';
      readonly name: string;
      readonly rttMs: number;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'udp-path'; readonly name: string; readonly path: UdpPath }
  | { readonly kind: 'join-result'; readonly seed: Address; readonly failure: string | undefined }
  /** The leave is over; `announced` unless the time limit came first. */
  | { readonly kind: 'leave-done'; readonly announced: boolean }
  | { readonly kind: 'stalled'; readonly lagMs: number };

/** Everything refused or unusual is counted; the driver logs at a bounded rate. */
export interface Counters {
  /** Claims with fields that no honest peer sends. */
  malformed: number;
  incarnationTooHigh: number;
  pingForOther: number;
  /** Acks and nacks nobody waits for any more. */
  unexpectedAck: number;
  repliesOverBudget: number;
  relaysFull: number;
  membersFull: number;
  conflicts: number;
  refusedMerges: number;
  dialogsFull: number;
  refutations: number;
  probes: number;
  probesFailed: number;
  accusationsMuted: number;
  stalls: number;
}

export function zeroCounters(): Counters {
  return {
    malformed: 0,
    incarnationTooHigh: 0,
    pingForOther: 0,
    unexpectedAck: 0,
    repliesOverBudget: 0,
    relaysFull: 0,
    membersFull: 0,
    conflicts: 0,
    refusedMerges: 0,
    dialogsFull: 0,
    refutations: 0,
    probes: 0,
    probesFailed: 0,
    accusationsMuted: 0,
    stalls: 0,
  };
}
