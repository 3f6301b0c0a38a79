import type { GossipCore } from '#agent/gossip/core/core';
import type { Effect } from '#agent/gossip/core/effects';
import type { Timer } from '#agent/gossip/core/timer-heap';

/** One machine with one agent on it. Its index is its place in the network; its name may be another's too. */
export interface Host {
  readonly index: number;
  readonly name: string;
  addr: Uint8Array;
  ip: string;
  meta: Uint8Array;
  /** The running agent; undefined between a crash and a restart. */
  core: GossipCore | undefined;
  /** Counts starts: what was addressed to an earlier life is not delivered. */
  life: number;
  /** Stopped by SIGSTOP: everything waits in `inbox`. */
  paused: boolean;
  /** Waiting inputs, oldest first; beyond INBOX_MAX datagrams are lost, as in a socket's buffer. */
  inbox: (() => void)[];
  /** What a clone or a copied template does. */
  readonly isClone: boolean;
  leaving: boolean;
  /** Survives a crash, unless the disk is lost. */
  persistedIncarnation: number | undefined;
  /** Milliseconds of the own monotonic clock for each of the world's, about 1. */
  readonly clockRate: number;
  /** Steps of the wall clock, in seconds. */
  wallOffsetSeconds: number;
  tick: Timer | undefined;
  tickAtMs: number;
  /** When its present life began. */
  startedMs: number;
  /** Answers awaited by streams that peers opened here, by the number given to the core. */
  readonly replies: Map<number, (message: Reply) => void>;
  /** The last standstill: when it ended, in the world's time, and how long it was. */
  wokeMs: number;
  sleptMs: number;
  /** How late its next timer was when it woke: a sleep in which nothing was due misses nothing. */
  overdueMs: number;
  pausedEver: boolean;
  /** When the present standstill began. */
  pausedMs: number;
  /** Until when its being called failed has a cause of its own, in the world's time. */
  excusedUntilMs: number;
}

export type Reply = Extract<Effect, { kind: 'reply' }>['message'];

export const INBOX_MAX = 2000;
export const PORT = 7946;

export interface HostOptions {
  readonly index: number;
  readonly name: string;
  readonly clockRate: number;
  readonly isClone?: boolean;
}

export function createHost({ index, name, clockRate, isClone = false }: HostOptions): Host {
  const { addr, ip } = addressOf(index, 0);
  return {
    index,
    name,
    addr,
    ip,
    meta: new Uint8Array([0xff, 0x80]),
    core: undefined,
    life: 0,
    paused: false,
    inbox: [],
    isClone,
    leaving: false,
    persistedIncarnation: undefined,
    clockRate,
    wallOffsetSeconds: 0,
    tick: undefined,
    tickAtMs: Infinity,
    startedMs: 0,
    replies: new Map(),
    wokeMs: -Infinity,
    sleptMs: 0,
    overdueMs: 0,
    pausedEver: false,
    pausedMs: 0,
    excusedUntilMs: -Infinity,
  };
}

/** 10.<generation>.<high>.<low>: a host that comes back elsewhere takes the next generation. */
export function addressOf(index: number, generation: number): { addr: Uint8Array; ip: string } {
  const addr = new Uint8Array([10, generation, (index >> 8) & 0xff, index & 0xff]);
  return { addr, ip: addr.join('.') };
}
