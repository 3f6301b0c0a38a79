/** The life of an agent in the virtual room: starts, inputs, standstills, ends. */
import { present } from '#agent/kit/assert';
import type { Address } from '#agent/gossip/core/address';
import { createGossipCore } from '#agent/gossip/core/core';
import { NO_USER_LAYER } from '#agent/gossip/core/context';
import type { Effect, Input } from '#agent/gossip/core/effects';
import type { TimerHeap } from '#agent/gossip/core/timer-heap';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { addressOf, INBOX_MAX, PORT, type Host } from './host';
import { forkRng } from './random';
import { openStream } from './streams';
import { after, type World } from './world';

/** 2026-01-01T00:00:00Z: where the wall clocks of the room begin. */
export const WALL_START_SECONDS = 1_767_225_600;

export function startAgent(world: World, host: Host, seeds: readonly Address[]): void {
  host.life++;
  host.startedMs = world.nowMs;
  host.paused = false;
  host.sleptMs = 0;
  host.overdueMs = 0;
  host.leaving = false;
  host.inbox = [];
  host.replies.clear();
  world.byIp.set(host.ip, host);
  const { persistedIncarnation } = host;
  const isKnown = persistedIncarnation !== undefined && world.options.forgetIncarnation !== true;
  host.core = createGossipCore({
    name: host.name,
    addr: host.addr,
    port: PORT,
    meta: host.meta,
    settings: world.settings,
    rng: forkRng(world.seed, 1000 + host.index * 64 + host.life),
    user: NO_USER_LAYER,
    boot: {
      ...(isKnown ? { persistedIncarnation } : {}),
      unixSeconds:
        world.options.forgetIncarnation === true
          ? 1
          : WALL_START_SECONDS + Math.floor(world.nowMs / 1000) + host.wallOffsetSeconds,
    },
    ...(world.options.parts === undefined ? {} : { parts: world.options.parts }),
    ...(world.options.known === undefined ? {} : { known: world.options.known }),
  });
  applyEffects(world, host, undefined, host.core.start(localMs(world, host)));
  if (seeds.length > 0) give(world, host, { kind: 'join', seeds });
  else scheduleTick(world, host);
}

/** kill -9, or a power cut. */
export function crash(host: Host, events: TimerHeap): void {
  host.core = undefined;
  host.paused = false;
  host.inbox = [];
  events.cancel(host.tick);
  host.tick = undefined;
  host.tickAtMs = Infinity;
}

export function pause(world: World, host: Host): void {
  if (host.core === undefined || host.paused) return;
  host.paused = true;
  host.pausedEver = true;
  host.pausedMs = world.nowMs;
}

/** Everything that waited is handled in one go; as in event loops, late timers may come before or after. */
export function resume(world: World, host: Host): void {
  if (!host.paused) return;
  host.paused = false;
  host.wokeMs = world.nowMs;
  host.sleptMs = world.nowMs - host.pausedMs;
  host.overdueMs = localMs(world, host) - (host.core?.nextTimerMs() ?? Infinity);
  const waiting = host.inbox;
  host.inbox = [];
  if (world.rng.next() < 0.5) give(world, host, { kind: 'tick' });
  for (const handle of waiting) handle();
  give(world, host, { kind: 'tick' });
}

/** Moves a stopped host to a new address, as DHCP does. */
export function moveHost(world: World, host: Host, generation: number): void {
  world.byIp.delete(host.ip);
  Object.assign(host, addressOf(host.index, generation));
}

/** Gives the core an input now, or when the host wakes up. */
export function give(world: World, host: Host, input: Input): void {
  const { core } = host;
  if (core === undefined) return;
  if (host.paused) {
    if (host.inbox.length < INBOX_MAX) host.inbox.push(() => give(world, host, input));
    return;
  }
  applyEffects(world, host, input, core.handle(localMs(world, host), input));
  scheduleTick(world, host);
}

/** Takes a datagram to wherever it arrives. */
export function sendDatagram(
  world: World,
  from: Host,
  to: Address,
  messages: readonly PacketMessage[],
): void {
  world.packets++;
  const target = world.byIp.get(to.host);
  if (target === undefined) return;
  const arriving = world.options.throughWire?.(messages) ?? messages;
  const input: Input = { kind: 'packet', from: { host: from.ip, port: PORT }, messages: arriving };
  const { ip } = target;
  for (const delayMs of world.network.datagram(from.index, target.index)) {
    after(world, delayMs, () => {
      // Whoever has the address by then gets it.
      if (target.ip === ip) give(world, target, input);
    });
  }
}

function applyEffects(world: World, host: Host, input: Input | undefined, said: readonly Effect[]): void {
  const effects = world.options.distort?.(host, input, said) ?? said;
  world.observer.onInput(host, input, effects);
  for (const effect of effects) applyEffect(world, host, effect);
}

function applyEffect(world: World, host: Host, effect: Effect): void {
  switch (effect.kind) {
    case 'send':
      world.observer.onSend(host, effect.messages);
      sendDatagram(world, host, effect.to, effect.messages);
      return;
    case 'dialog':
      openStream(world, host, { stream: effect, give });
      return;
    case 'reply': {
      const answer = present(host.replies.get(effect.dialog), `stream ${effect.dialog}`);
      host.replies.delete(effect.dialog);
      answer(effect.message);
      return;
    }
    case 'persist':
      host.persistedIncarnation = effect.incarnation;
      return;
    case 'member':
      mix(world, host.index * 64 + effect.member.incarnation + effect.change.length);
      break;
    default:
  }
}

function mix(world: World, value: number): void {
  world.hash =
    (Math.imul(world.hash ^ value ^ Math.floor(world.nowMs * 1000), 0x01000193) + world.steps) >>> 0;
}

/** One event in the world's queue for each host: its core's next timer. */
function scheduleTick(world: World, host: Host): void {
  if (host.core === undefined) return;
  const atMs = Math.max(world.nowMs, host.core.nextTimerMs() / host.clockRate);
  if (atMs >= host.tickAtMs && host.tick !== undefined) return;
  world.events.cancel(host.tick);
  host.tickAtMs = atMs;
  host.tick = world.events.set(atMs, () => {
    host.tick = undefined;
    host.tickAtMs = Infinity;
    tick(world, host);
  });
}

function tick(world: World, host: Host): void {
  // A stopped process does not run its timers; resume() does.
  if (host.core === undefined || host.paused) return;
  if (host.core.nextTimerMs() <= localMs(world, host)) give(world, host, { kind: 'tick' });
  else scheduleTick(world, host);
}

/** A hair ahead, so that rounding never makes a timer that is due look early. */
function localMs(world: World, host: Host): number {
  return world.nowMs * host.clockRate + 1e-6;
}
