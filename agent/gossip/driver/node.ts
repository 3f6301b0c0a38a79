/** What the product sees of gossip: a node, its options and what happens. */
import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import type { Rng } from '#agent/kit/rng';
import type { Address } from '#agent/gossip/core/address';
import type { CoreHealth } from '#agent/gossip/core/core';
import type { Counters, Effect } from '#agent/gossip/core/effects';
import type { GossipSettings } from '#agent/gossip/core/settings';
import type { SerfEffect, SerfInput } from '#agent/gossip/serf/effects';
import type { SerfMember } from '#agent/gossip/serf/serf-members';
import type { Keyring } from '#agent/gossip/wire/seal';
import type { WireProblem } from '#agent/gossip/wire/wire-error';

export interface GossipOptions {
  readonly name: string;
  /** Address to listen on, UDP and TCP at the same port; port 0 takes a free one. */
  readonly bind: Address;
  /** IP address that others are told, with the port it listens on. */
  readonly advertiseHost: string;
  readonly settings: GossipSettings;
  readonly tags: ReadonlyMap<string, string>;
  /** Null: nothing is encrypted. */
  readonly keyring: Keyring | null;
  readonly label: string;
  /** File that survives restarts. */
  readonly memoryPath: string;
  /** Keeps a changed keyring; undefined leaves it in memory. */
  readonly saveKeyring?: (keyring: Keyring) => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/** What happens that the product may want to know, beyond the table of members. */
export type Happening =
  | Extract<
      SerfEffect,
      { kind: 'member' | 'event' | 'query' | 'query-ack' | 'query-response' | 'query-done' }
    >
  | Extract<SerfEffect, { kind: 'conflict-verdict' | 'keyring' }>
  | Extract<Effect, { kind: 'udp-path' | 'stalled' | 'conflict' | 'join-result' | 'member' }>;

export interface GossipNode extends AsyncDisposable {
  readonly name: string;
  /** As others are told it. */
  readonly address: Address;
  members(): SerfMember[];
  member(name: string): SerfMember | undefined;
  /** Throws SerfRefusal for a wish that cannot be granted. */
  tell(input: Exclude<SerfInput, { kind: 'core' | 'tick' | 'leave' }>): void;
  /** Tries these addresses now, and again later while the node is alone. */
  join(seeds: readonly Address[]): void;
  /** Drops a failed or left member. */
  forget(name: string): void;
  /** Tells the others that this node goes of its own will; resolves when they can have heard it. */
  leave(): Promise<void>;
  listen(listener: (happening: Happening) => void): Disposable;
  roundTripSeconds(a: string, b: string): number | undefined;
  keys(): readonly Uint8Array[] | null;
  health(): GossipHealth;
}

export interface GossipHealth extends CoreHealth {
  readonly counters: Readonly<Counters>;
  readonly problems: Readonly<Partial<Record<WireProblem, number>>>;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}
