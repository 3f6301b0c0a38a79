/** How fast, how often, how much: what a fleet agrees on, and the limits of one node. */
export interface GossipSettings {
  /** One member is probed per interval; the verdict falls at interval × (health score + 1). */
  readonly probeIntervalMs: number;
  /** Without an ack for this long, others are asked to probe too. Not scaled by health. */
  readonly probeTimeoutMs: number;
  readonly indirectChecks: number;
  /** At most one gossip round per interval, to this many members. */
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  /** For how long a failed member is still told things, so that it can refute. */
  readonly gossipToTheDeadMs: number;
  /** Base of the exchange of full states; see pushPullIntervalMs() for its growth. */
  readonly pushPullIntervalMs: number;
  /** Bounds of suspicion: min = mult × max(1, log10 N) × probeInterval, max = maxMult × min. */
  readonly suspicionMult: number;
  readonly suspicionMaxMult: number;
  /**
   * Expected members that probe the suspect of another before its turn. With fewer than suspicionMult − 2
   * confirmations a suspicion takes up to six times as long, and in turn they come at one a second, whatever
   * the size of the group; a suspect that is well is asked, and refutes, the sooner. memberlist has no such step.
   */
  readonly verifiers: number;
  /** Each broadcast is sent retransmitMult × ceil(log10(N + 1)) times by each member. */
  readonly retransmitMult: number;
  /** The health score is 0 to awarenessMax − 1. */
  readonly awarenessMax: number;
  readonly tcpTimeoutMs: number;
  /** Failed members and absent seeds are tried again this often. */
  readonly reconnectIntervalMs: number;
  readonly reapIntervalMs: number;
  readonly failedRetentionMs: number;
  readonly leftRetentionMs: number;
  /** A leave waits at most this long for its own announcement to be sent out. */
  readonly leaveTimeoutMs: number;
  /** Timers this late mean that the process stood still: see stall.ts. */
  readonly stallMs: number;
  readonly limits: GossipLimits;
}

export interface GossipLimits {
  /** Members of all states held at once. */
  readonly membersMax: number;
  readonly queueMax: number;
  /** A datagram before IP and UDP headers, framing (label, encryption, CRC) included. */
  readonly packetBytesMax: number;
  readonly packetFramingBytes: number;
  /** The wire's limit for the tags of a member. */
  readonly metaBytesMax: number;
  readonly nameLengthMax: number;
  /** Packets sent in answer to one packet: 1 + the indirect checks of the LAN preset. */
  readonly repliesPerPacketMax: number;
  /** Pings on behalf of others that wait for their ack. */
  readonly relaysMax: number;
  readonly dialogsMax: number;
  readonly seedsMax: number;
}

const HOUR_MS = 3_600_000;

export const STANDARD_LIMITS: GossipLimits = {
  membersMax: 16_384,
  queueMax: 4096,
  packetBytesMax: 1400,
  // AES-GCM version 1 adds 29 bytes, the CRC header 5, the compound header is counted per message.
  packetFramingBytes: 34,
  metaBytesMax: 512,
  nameLengthMax: 128,
  repliesPerPacketMax: 4,
  relaysMax: 256,
  dialogsMax: 128,
  seedsMax: 16,
};

/** memberlist's DefaultLANConfig; reconnect, reap and retention are Serf's defaults. */
export const LAN: GossipSettings = {
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  verifiers: 8,
  retransmitMult: 4,
  awarenessMax: 8,
  tcpTimeoutMs: 10_000,
  reconnectIntervalMs: 30_000,
  reapIntervalMs: 15_000,
  failedRetentionMs: 24 * HOUR_MS,
  leftRetentionMs: 24 * HOUR_MS,
  leaveTimeoutMs: 5000,
  stallMs: 500,
  limits: STANDARD_LIMITS,
};

/** memberlist's DefaultWANConfig: longer ways, more loss. */
export const WAN: GossipSettings = {
  ...LAN,
  probeIntervalMs: 5000,
  probeTimeoutMs: 3000,
  gossipIntervalMs: 500,
  gossipNodes: 4,
  gossipToTheDeadMs: 60_000,
  pushPullIntervalMs: 60_000,
  suspicionMult: 6,
  tcpTimeoutMs: 30_000,
  stallMs: 3000,
};

/** memberlist's DefaultLocalConfig: everybody on the loopback interface. */
export const LOCAL: GossipSettings = {
  ...LAN,
  probeTimeoutMs: 200,
  indirectChecks: 1,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
  pushPullIntervalMs: 15_000,
  suspicionMult: 3,
  retransmitMult: 2,
  tcpTimeoutMs: 1000,
  stallMs: 200,
};

/** Sends of one broadcast by one member: retransmitMult × ceil(log10(N + 1)). */
export function retransmitLimit(retransmitMult: number, memberCount: number): number {
  return retransmitMult * Math.ceil(Math.log10(memberCount + 1));
}

/** Up to 32 members the base; above, base × (ceil(log2 N − log2 32) + 1): a full state costs O(N). */
export function pushPullIntervalMs(baseMs: number, memberCount: number): number {
  if (memberCount <= 32) return baseMs;
  return baseMs * (Math.ceil(Math.log2(memberCount) - 5) + 1);
}
