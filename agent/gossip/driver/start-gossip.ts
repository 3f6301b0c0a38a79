import { randomBytes } from 'node:crypto';
import { assert } from '#agent/kit/assert';
import { describeError } from '#agent/kit/error';
import type { Address } from '#agent/gossip/core/address';
import { createGossipCore, type GossipCore } from '#agent/gossip/core/core';
import type { Effect, Input } from '#agent/gossip/core/effects';
import type { SerfEffect, SerfInput } from '#agent/gossip/serf/effects';
import { createSerf, type Serf } from '#agent/gossip/serf/serf';
import type { SerfMember } from '#agent/gossip/serf/serf-members';
import { SERF } from '#agent/gossip/serf/settings';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { decodeDatagram, encodeDatagram, type WireOptions } from '#agent/gossip/wire/packet';
import type { Keyring } from '#agent/gossip/wire/seal';
import { encodeTags } from '#agent/gossip/wire/serf-messages';
import { isDeserted } from './deserted';
import { ipBytes } from './ip-address';
import type { GossipHealth, GossipNode, GossipOptions, Happening } from './node';
import { openPackets, type PacketSocket } from './packets';
import { Refusals } from './refusals';
import { readRemembered, writeRemembered } from './remembered';
import { openStreams, type IncomingRequest, type Streams } from './streams';

/** Starts a node of one member. Fault(environment) when its address is not to be had. */
export async function startGossip(options: GossipOptions): Promise<GossipNode> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(new Driver(options));
  await node.open();
  stack.move();
  return node;
}

/** Packets below this are not worth the time of compressing. */
const COMPRESS_BYTES_MIN = 256;
const HOUSEKEEPING_MS = 60_000;
/** Lamport times heard of since the last save, at most, with room. */
const TIMES_AHEAD = 1_000;

/** Carries effects out and feeds what happens back in, on one event loop. */
class Driver implements GossipNode {
  readonly #options: GossipOptions;
  readonly #startBootMs: number;
  readonly #listeners = new Set<(happening: Happening) => void>();
  readonly #incoming = new Map<number, IncomingRequest>();
  readonly #work: Array<() => void> = [];
  readonly #traffic = { packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0 };
  readonly #refusals: Refusals;
  readonly #left = Promise.withResolvers<void>();
  #lastDialog = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #housekeeping: ReturnType<typeof setInterval> | undefined;
  #incarnation = 0;
  #isWorking = false;
  #isClosed = false;
  #packets: PacketSocket | undefined;
  #streams: Streams | undefined;
  #core: GossipCore | undefined;
  #serf: Serf | undefined;
  #address: Address;
  #wire: WireOptions;

  constructor(options: GossipOptions) {
    this.#options = options;
    this.#startBootMs = options.clock.bootMs();
    this.#refusals = new Refusals(options);
    this.#address = { host: options.advertiseHost, port: options.bind.port };
    this.#wire = {
      keyring: options.keyring,
      label: Buffer.from(options.label),
      random: (count) => randomBytes(count),
    };
  }

  get name(): string {
    return this.#options.name;
  }

  get address(): Address {
    return this.#address;
  }

  async open(): Promise<void> {
    const { bind, advertiseHost, settings } = this.#options;
    const addr = ipBytes(advertiseHost);
    await this.#listenOn(bind);
    const remembered = readRemembered(this.#options.memoryPath, this.#options.name, this.#options.log);
    const { name, tags, rng, keyring, clock } = this.#options;
    this.#serf = createSerf({
      selfName: name,
      settings: SERF,
      gossip: settings,
      rng,
      tags,
      keys: keyring,
      selfAddress: () => ({ addr, address: this.#address }),
      groupSize: () => (this.#core?.count('alive') ?? 0) + (this.#core?.count('suspect') ?? 0),
      ...(remembered === undefined ? {} : { times: remembered.times }),
    });
    this.#core = createGossipCore({
      name,
      addr,
      port: this.#address.port,
      meta: encodeTags(tags),
      settings,
      rng,
      boot: {
        unixSeconds: clock.nowMs() / 1000,
        ...(remembered === undefined ? {} : { persistedIncarnation: remembered.incarnation }),
      },
      user: this.#serf.userLayer,
    });
    const core = this.#core;
    this.#run(() => this.#fromCore(core.start(this.#nowMs())));
    if (remembered !== undefined && remembered.members.length > 0) {
      this.#coreInput({ kind: 'join', seeds: remembered.members });
    }
    this.#housekeeping = setInterval(() => {
      this.#save();
      this.#refusals.report();
    }, HOUSEKEEPING_MS);
  }

  members(): SerfMember[] {
    return [...this.#theSerf().members()];
  }

  member(name: string): SerfMember | undefined {
    return this.#theSerf().member(name);
  }

  tell(input: SerfInput): void {
    // At once and not queued: a refusal is the caller's.
    const effects = this.#theSerf().handle(this.#nowMs(), input);
    this.#run(() => this.#fromSerf(effects));
  }

  join(seeds: readonly Address[]): void {
    this.#coreInput({ kind: 'join', seeds });
  }

  forget(name: string): void {
    this.#coreInput({ kind: 'forget', name });
  }

  roundTripSeconds(a: string, b: string): number | undefined {
    return this.#theSerf().roundTrip(a, b);
  }

  keys(): readonly Uint8Array[] | null {
    return this.#wire.keyring;
  }

  async leave(): Promise<void> {
    this.tell({ kind: 'leave' });
    await this.#left.promise;
  }

  listen(listener: (happening: Happening) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  health(): GossipHealth {
    const core = this.#theCore();
    return { ...core.health(), ...this.#traffic, counters: core.counters(), problems: this.#refusals.counts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#housekeeping);
    this.#left.resolve();
    if (this.#core !== undefined) this.#save();
    this.#packets?.[Symbol.dispose]();
    await this.#streams?.[Symbol.asyncDispose]();
  }

  /** Both protocols at one port: the streams choose it, since a free one for TCP is the rarer. */
  async #listenOn(bind: Address): Promise<void> {
    const { settings } = this.#options;
    this.#streams = await openStreams({
      ...bind,
      timeoutMs: settings.tcpTimeoutMs,
      wire: () => this.#wire,
      onRequest: (request) => this.#requested(request),
      onProblem: (problem) => this.#refusals.count(problem),
    });
    const { port } = this.#streams;
    this.#packets = await openPackets({
      host: bind.host,
      port,
      onPacket: (data, from) => this.#received(data, from),
    });
    this.#address = { ...this.#address, port };
  }

  #received(data: Uint8Array, from: Address): void {
    if (this.#core === undefined) return;
    this.#traffic.packetsReceived++;
    this.#traffic.bytesReceived += data.length;
    const { messages, problems } = decodeDatagram(data, this.#wire);
    for (const problem of problems) this.#refusals.count(problem);
    if (messages.length > 0) this.#coreInput({ kind: 'packet', from, messages });
  }

  #requested(request: IncomingRequest): void {
    const { from, message } = request;
    if (this.#core === undefined) return request.close();
    if (message.type === 'user') {
      request.close();
      return this.tell({ kind: 'core', effect: { kind: 'user', from, payload: message.payload } });
    }
    if (message.type !== 'ping' && message.type !== 'pushPull') return request.close();
    const dialog = --this.#lastDialog;
    this.#incoming.set(dialog, request);
    this.#coreInput({ kind: 'dialog-request', dialog, from, message });
    // What the core did not answer at once it never answers.
    this.#run(() => {
      if (this.#incoming.delete(dialog)) request.close();
    });
  }

  #coreInput(input: Input): void {
    this.#run(() => this.#fromCore(this.#theCore().handle(this.#nowMs(), input)));
  }

  /** Effects in the order they came about, also when one of them brings others. */
  #run(work: () => void): void {
    this.#work.push(work);
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      for (let next = this.#work.shift(); next !== undefined; next = this.#work.shift()) next();
    } finally {
      this.#isWorking = false;
    }
    this.#wakeAt();
  }

  #fromCore(effects: readonly Effect[]): void {
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.to, effect.messages);
      case 'dialog':
        return void this.#ask(effect);
      case 'reply': {
        const request = this.#incoming.get(effect.dialog);
        this.#incoming.delete(effect.dialog);
        return request?.answer(effect.message);
      }
      case 'persist':
        this.#incarnation = effect.incarnation;
        return this.#save();
      case 'leave-done':
        return this.#left.resolve();
      case 'user':
      case 'user-state':
      case 'round-trip':
        return this.#toSerf(effect);
      case 'member':
      case 'conflict':
      case 'join-result':
        this.#toSerf(effect);
        return this.#happened(effect);
      case 'udp-path':
      case 'stalled':
        return this.#happened(effect);
    }
  }

  #toSerf(effect: Effect): void {
    this.#fromSerf(this.#theSerf().handle(this.#nowMs(), { kind: 'core', effect }));
  }

  #fromSerf(effects: readonly SerfEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'core') this.#coreInput(effect.input);
      else if (effect.kind === 'send') this.#send(effect.to, [{ type: 'user', payload: effect.payload }]);
      else {
        if (effect.kind === 'keyring') this.#useKeys(effect.keys);
        this.#happened(effect);
      }
    }
  }

  #send(to: Address, messages: readonly PacketMessage[]): void {
    const parts = messages.map(encodePacketMessage);
    const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
    const data = encodeDatagram(parts, {
      ...this.#wire,
      compress: sizeBytes >= COMPRESS_BYTES_MIN,
      // An encrypted packet is authenticated already.
      checksum: false,
    });
    if (this.#packets?.send(to, data) !== true) return;
    this.#traffic.packetsSent++;
    this.#traffic.bytesSent += data.length;
  }

  async #ask({ dialog, to, request, timeoutMs }: Extract<Effect, { kind: 'dialog' }>): Promise<void> {
    assert(this.#streams !== undefined, 'gossip has been started');
    try {
      const message = await this.#streams.ask(to, request, timeoutMs);
      if (message.type === 'err') throw new Error(message.Error);
      if (message.type !== 'ackResp' && message.type !== 'pushPull') throw new Error('its answer is none');
      this.#ended(dialog, { ok: true, message });
    } catch (error) {
      const deserted =
        request.type === 'ping' && (await isDeserted({ to, ping: request, error, wire: this.#wire }));
      this.#ended(dialog, { ok: false, reason: describeError(error), deserted });
    }
  }

  #ended(dialog: number, outcome: Extract<Input, { kind: 'dialog-result' }>['outcome']): void {
    if (!this.#isClosed) this.#coreInput({ kind: 'dialog-result', dialog, outcome });
  }

  #useKeys(keys: readonly Uint8Array[]): void {
    const [first, ...others] = keys;
    assert(first !== undefined, 'a keyring has a key');
    const keyring: Keyring = [first, ...others];
    this.#wire = { ...this.#wire, keyring };
    try {
      this.#options.saveKeyring?.(keyring);
    } catch (error) {
      this.#options.log.error('the changed keyring could not be kept: the next start has the old one', {
        reason: describeError(error),
      });
    }
  }

  #happened(happening: Happening): void {
    for (const listener of this.#listeners) listener(happening);
  }

  #wakeAt(): void {
    if (this.#isClosed || this.#core === undefined) return;
    clearTimeout(this.#timer);
    const atMs = Math.min(this.#core.nextTimerMs(), this.#theSerf().nextTimerMs());
    if (!Number.isFinite(atMs)) return;
    this.#timer = setTimeout(
      () => {
        this.#coreInput({ kind: 'tick' });
        this.tell({ kind: 'tick' });
      },
      Math.max(0, Math.ceil(atMs - this.#nowMs())),
    );
  }

  #save(): void {
    const { memoryPath, name, log } = this.#options;
    const { member, event, query } = this.#theSerf().times();
    const others = [...this.#theSerf().members()].filter(
      (known) => known.name !== name && known.status === 'alive',
    );
    try {
      writeRemembered(memoryPath, {
        name,
        incarnation: Math.max(this.#incarnation, this.#core?.self().incarnation ?? 0),
        times: { member: member + TIMES_AHEAD, event, query },
        members: others.map(({ member: { address } }) => address),
      });
    } catch (error) {
      log.warn('gossip could not be kept for the next start', { reason: describeError(error) });
    }
  }

  #nowMs(): number {
    return this.#options.clock.bootMs() - this.#startBootMs;
  }

  #theSerf(): Serf {
    assert(this.#serf !== undefined, 'gossip has been started');
    return this.#serf;
  }

  #theCore(): GossipCore {
    assert(this.#core !== undefined, 'gossip has been started');
    return this.#core;
  }
}
