/** Sizes and times of Serf, with the defaults of its agent on a LAN. */
export interface SerfSettings {
  /** Lamport times of which events, and queries, are remembered to tell repetitions. */
  readonly ringLength: number;
  /** For how long an intent about an unknown member waits for the member. */
  readonly recentIntentMs: number;
  /** A leave waits so long at most for its intent to be heard. */
  readonly broadcastTimeoutMs: number;
  /** Between the intent to leave and leaving, so that the intent arrives first. */
  readonly leavePropagateMs: number;
  readonly eventBytesMax: number;
  readonly queryBytesMax: number;
  readonly responseBytesMax: number;
  /** Broadcasts that wait, of all kinds. */
  readonly queueMax: number;
  /** Queries of this node that are open at once. */
  readonly openQueriesMax: number;
  /** Answers that one query takes from one node: an acknowledgement and a response. */
  readonly answersMax: number;
  /** Of the whole query: shorter and longer wishes are brought into these bounds. */
  readonly queryTimeoutMinMs: number;
  readonly queryTimeoutMaxMs: number;
}

export const SERF: SerfSettings = {
  ringLength: 512,
  recentIntentMs: 5 * 60_000,
  broadcastTimeoutMs: 5_000,
  // Serf waits a second; an intent needs a round of gossip, and every stop of an agent waits for it.
  leavePropagateMs: 250,
  eventBytesMax: 512,
  queryBytesMax: 1024,
  responseBytesMax: 1024,
  queueMax: 4096,
  openQueriesMax: 256,
  answersMax: 100_000,
  queryTimeoutMinMs: 100,
  queryTimeoutMaxMs: 10 * 60_000,
};

/** gossipInterval × 16 × ceil(log10(N + 1)): time for the query to spread and the answers to return. */
export function queryTimeoutMs(gossipIntervalMs: number, memberCount: number): number {
  return gossipIntervalMs * 16 * Math.ceil(Math.log10(memberCount + 1));
}
