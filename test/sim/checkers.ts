/** The invariants, each checked at the moment a core says something, on books of the checkers' own. */
import type { Effect } from '#agent/gossip/core/effects';
import type { Member, MemberStatus } from '#agent/gossip/core/member';
import { messageBytesMax } from '#agent/gossip/core/message-size';
import { LAN, type GossipSettings } from '#agent/gossip/core/settings';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { Host } from './host';
import type { Observer } from './world';

export type Rule =
  | 'accuracy'
  | 'amplification'
  | 'convergence'
  | 'false-left'
  | 'hasty-accusation'
  | 'hasty-verdict'
  | 'invented-incarnation'
  | 'leave'
  | 'mismatched-meta'
  | 'monotone-incarnation'
  | 'monotone-restart'
  | 'packet-size'
  | 'queue-bound'
  | 'timer-bound'
  | 'crash-of-the-core'
  | 'zombie';

export interface Violation {
  readonly rule: Rule;
  readonly atMs: number;
  readonly text: string;
}

export interface Checkers extends Observer {
  readonly violations: Violation[];
  /** Until then nobody's being called failed is held against the core. */
  excuseAll(untilMs: number): void;
  excuse(host: Host, untilMs: number): void;
  /** Of this name several run, or lies are told: incarnation and tags are not its own any more. */
  distrust(name: string): void;
  /** This name was told to leave. */
  noteLeave(name: string): void;
  /** Whoever left a group without trouble in its network is left, not failed. */
  checkDepartures(hosts: readonly Host[]): void;
  report(rule: Rule, text: string): void;
  readonly figures: Figures;
}

/** Proof that a run was not empty. */
export interface Figures {
  suspicions: number;
  falseFailed: number;
  trueFailed: number;
  refutations: number;
  conflicts: number;
}

interface Seen {
  readonly incarnation: number;
  readonly status: MemberStatus;
}

interface Books {
  readonly settings: GossipSettings;
  readonly nowMs: () => number;
  readonly hostsNamed: (name: string) => readonly Host[];
  /** What each life of each host has said of each member. */
  readonly seen: Map<Host, { life: number; members: Map<string, Seen> }>;
  readonly highest: Map<string, number>;
  readonly metas: Map<string, Map<number, Uint8Array>>;
  readonly distrusted: Set<string>;
  readonly left: Set<string>;
  excusedUntilMs: number;
}

/** Timers of probes, relays, suspicions and cancelled ones that still wait for their time. */
const TIMERS_MAX = 5000;

export function createCheckers(
  settings: GossipSettings,
  nowMs: () => number,
  hostsNamed: (name: string) => readonly Host[],
): Checkers {
  const violations: Violation[] = [];
  const figures: Figures = { suspicions: 0, falseFailed: 0, trueFailed: 0, refutations: 0, conflicts: 0 };
  const books: Books = {
    settings,
    nowMs,
    hostsNamed,
    seen: new Map(),
    highest: new Map(),
    metas: new Map(),
    distrusted: new Set(),
    left: new Set(),
    excusedUntilMs: -Infinity,
  };
  const report = (rule: Rule, text: string): void => {
    // One of a kind tells all; a broken core says thousands.
    if (violations.length < 20) violations.push({ rule, atMs: nowMs(), text });
  };
  let inputs = 0;
  let sends = 0;

  return {
    violations,
    figures,
    report,
    excuseAll(untilMs) {
      books.excusedUntilMs = Math.max(books.excusedUntilMs, untilMs);
    },
    excuse(host, untilMs) {
      host.excusedUntilMs = Math.max(host.excusedUntilMs, untilMs);
    },
    distrust: (name) => void books.distrusted.add(name),
    noteLeave: (name) => void books.left.add(name),
    checkDepartures(hosts) {
      if (books.excusedUntilMs === -Infinity) checkLeft(books, hosts, report);
    },
    onInput(host, input, effects) {
      if (input?.kind === 'packet' || input?.kind === 'dialog-request')
        checkReplies(settings, effects, report);
      for (const effect of effects) {
        if (effect.kind === 'member')
          checkMember(books, figures, { host, effect, report, isTick: input?.kind === 'tick' });
        else if (effect.kind === 'persist') checkPersist(books, host, { effect, report });
        else if (effect.kind === 'conflict') figures.conflicts++;
      }
      if (++inputs % 64 === 0) checkBounds(settings, host, report);
    },
    onSend(_host, messages) {
      if (messages.length > 2 || ++sends % 16 === 0) checkPacket(settings, messages, report);
    },
  };
}

/**
 * One straggler is within what gossip can promise: where few had heard of the departure and the group has
 * since grown, chance may keep them from meeting the one that had not.
 */
const STRAGGLERS_MAX = 1;

function checkLeft({ left, distrusted }: Books, hosts: readonly Host[], report: Report): void {
  for (const { name } of hosts.filter((host) => host.leaving && !host.pausedEver)) {
    if (!left.has(name) || distrusted.has(name)) continue;
    const wrong = hosts.filter(
      ({ core, pausedEver }) => !pausedEver && core?.member(name)?.status === 'failed',
    );
    if (wrong.length > STRAGGLERS_MAX)
      report('leave', `${name} failed at ${wrong.map((host) => host.name).join(', ')}`);
  }
}

type Report = (rule: Rule, text: string) => void;

function checkReplies(settings: GossipSettings, effects: readonly Effect[], report: Report): void {
  let packets = 0;
  for (const { kind } of effects) if (kind === 'send') packets++;
  const { repliesPerPacketMax } = settings.limits;
  if (packets > repliesPerPacketMax)
    report('amplification', `${packets} packets out for one in, at most ${repliesPerPacketMax}`);
}

function checkPacket(settings: GossipSettings, messages: readonly PacketMessage[], report: Report): void {
  const { packetBytesMax, packetFramingBytes } = settings.limits;
  let bytes = packetFramingBytes + 2;
  for (const message of messages) bytes += 2 + messageBytesMax(message);
  if (bytes > packetBytesMax || messages.length > 255)
    report('packet-size', `${bytes} bytes, ${messages.length} messages in one datagram`);
}

function checkBounds(settings: GossipSettings, host: Host, report: Report): void {
  const { core } = host;
  if (core === undefined) return;
  const { queued, timers } = core.health();
  let members = 0;
  for (const _ of core.members()) members++;
  // Broadcasts are named: there is one for each member at most.
  if (queued > Math.min(settings.limits.queueMax, members))
    report('queue-bound', `${queued} broadcasts at ${host.name} about ${members} members`);
  if (timers > TIMERS_MAX) report('timer-bound', `${timers} timers at ${host.name}`);
}

interface MemberEvent {
  readonly host: Host;
  /** Its own verdict, not the news of another's. */
  readonly isTick: boolean;
  readonly effect: Extract<Effect, { kind: 'member' }>;
  readonly report: Report;
}

function checkMember(books: Books, figures: Figures, { host, effect, report, isTick }: MemberEvent): void {
  const { member, change } = effect;
  const seen = booksOf(books, host);
  if (change === 'reap') {
    seen.delete(member.name);
    return;
  }
  const where = `${member.name}@${member.incarnation} ${change} at ${host.name}#${host.index}`;
  const before = seen.get(member.name);
  if (before !== undefined) checkOrder(before, member, (rule) => report(rule, where));
  seen.set(member.name, { incarnation: member.incarnation, status: member.status });
  if (!books.distrusted.has(member.name)) checkOrigin(books, member, (rule) => report(rule, where));
  if (change === 'suspect') figures.suspicions++;
  if (isTick && change === 'suspect' && isHalfAsleep(books, host)) report('hasty-accusation', where);
  if (change === 'recover') figures.refutations++;
  if (change === 'failed') judgeFailed(books, figures, { host, effect, report, isTick });
  if (change === 'left' && !books.left.has(member.name)) report('false-left', where);
}

/** Incarnations never go back, and only a higher one brings a dead member back to life. */
function checkOrder(before: Seen, member: Member, report: (rule: Rule) => void): void {
  if (member.incarnation < before.incarnation) report('monotone-incarnation');
  const wasGone = before.status === 'failed' || before.status === 'left';
  const isBack = member.status === 'alive' || member.status === 'suspect';
  if (wasGone && isBack && member.incarnation <= before.incarnation) report('zombie');
}

/** Only a member raises its incarnation, and with each it says one thing only. */
function checkOrigin(books: Books, member: Member, report: (rule: Rule) => void): void {
  const { name, incarnation, meta, status } = member;
  if (incarnation > (books.highest.get(name) ?? 0)) report('invented-incarnation');
  // A suspicion may bring the incarnation before the tags that belong to it; the refutation brings both.
  if (status !== 'alive') return;
  let metas = books.metas.get(name);
  if (metas === undefined) books.metas.set(name, (metas = new Map<number, Uint8Array>()));
  const known = metas.get(incarnation);
  if (known === undefined) metas.set(incarnation, meta);
  else if (known !== meta && !Buffer.from(known).equals(meta)) report('mismatched-meta');
}

function judgeFailed(books: Books, figures: Figures, { host, effect, report, isTick }: MemberEvent): void {
  const { name, address } = effect.member;
  const accused = books.hostsNamed(name);
  if (isTick) checkHaste(books.settings, effect, report);
  // Where it was held to be: one that moved has failed at its old address.
  const isRunning = accused.some(
    ({ core, leaving, ip }) => core !== undefined && !leaving && ip === address.host,
  );
  if (!isRunning) {
    figures.trueFailed++;
    return;
  }
  figures.falseFailed++;
  const now = books.nowMs();
  const hasCause =
    now < books.excusedUntilMs ||
    books.distrusted.has(name) ||
    accused.some((other) => now < other.excusedUntilMs || other.paused);
  if (!hasCause) report('accuracy', `${name} failed at ${host.name}#${host.index} without a cause`);
}

/**
 * Whether the host stood still until so recently that no probe of its own can have failed since: what it
 * accuses of now it found in its sleep.
 */
function isHalfAsleep({ settings, nowMs }: Books, { wokeMs, sleptMs, overdueMs }: Host): boolean {
  return Math.min(sleptMs, overdueMs) > 2 * LAN.stallMs && nowMs() - wokeMs < 0.9 * settings.probeIntervalMs;
}

/**
 * Nobody is called failed before the shortest suspicion of a small group is over, or half of it where the
 * machine itself says that nobody listens.
 */
function checkHaste(
  { suspicionMult, probeIntervalMs }: GossipSettings,
  { member, previous }: MemberEvent['effect'],
  report: Report,
): void {
  const minMs = (suspicionMult * probeIntervalMs) / 2;
  const tookMs = member.changedMs - (previous?.changedMs ?? 0);
  if (tookMs < minMs - 1) report('hasty-verdict', `${member.name} failed ${tookMs} ms after the suspicion`);
}

/** What is written down only grows, from life to life as well while the disk is kept. */
function checkPersist(
  books: Books,
  host: Host,
  { effect, report }: { effect: Extract<Effect, { kind: 'persist' }>; report: Report },
): void {
  const { incarnation } = effect;
  if (host.persistedIncarnation !== undefined && incarnation <= host.persistedIncarnation)
    report('monotone-restart', `${host.name} went from ${host.persistedIncarnation} to ${incarnation}`);
  books.highest.set(host.name, Math.max(books.highest.get(host.name) ?? 0, incarnation));
}

function booksOf({ seen }: Books, host: Host): Map<string, Seen> {
  const known = seen.get(host);
  if (known?.life === host.life) return known.members;
  const members = new Map<string, Seen>();
  seen.set(host, { life: host.life, members });
  return members;
}
