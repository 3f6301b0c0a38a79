/** One seed, one run: a group of hosts, faults for a while, quiet, and the verdict. */
import type { Rng } from '#agent/kit/rng';
import { LAN, LOCAL, type GossipSettings } from '#agent/gossip/core/settings';
import { createCheckers, type Checkers, type Figures, type Violation } from './checkers';
import { convergenceBoundMs, findDisagreement } from './convergence';
import { HOST_FAULTS, NAME_FAULTS, NETWORK_FAULTS, PAUSE_FAULTS, seedsFor, type Fault } from './faults';
import { createHost } from './host';
import { createNetwork, type Conditions } from './network';
import { between, forkRng, pick } from './random';
import { resume, startAgent } from './agents';
import { after, createWorld, runUntil, type World, type WorldOptions } from './world';

export interface SeedOptions extends WorldOptions {
  readonly seed: number;
  readonly nodesMin?: number;
  readonly nodesMax?: number;
  readonly seconds?: number;
  readonly settings?: GossipSettings;
}

export interface SeedResult {
  readonly seed: number;
  readonly nodes: number;
  readonly theme: string;
  readonly violations: readonly Violation[];
  readonly figures: Figures;
  readonly hash: number;
  readonly steps: number;
  readonly packets: number;
  /** Virtual time until everybody agreed. */
  readonly endMs: number;
}

/** What may go wrong in a run. Runs with fewer kinds of trouble have fewer excuses. */
const THEMES: Readonly<Record<string, readonly Fault[]>> = {
  quiet: Object.values(HOST_FAULTS),
  names: [...Object.values(HOST_FAULTS), ...Object.values(NAME_FAULTS)],
  pauses: [...Object.values(PAUSE_FAULTS), HOST_FAULTS.changeTags, HOST_FAULTS.crashForGood],
  network: [...Object.values(NETWORK_FAULTS), HOST_FAULTS.changeTags],
  everything: [
    ...Object.values(HOST_FAULTS),
    ...Object.values(PAUSE_FAULTS),
    ...Object.values(NETWORK_FAULTS),
    ...Object.values(NAME_FAULTS),
  ],
};

/** Faults begin in the first quarter of a run, so that it can be quiet at its end. */
const CHAOS_SHARE = 0.25;
const AGREEMENT_STEP_MS = 5000;

export function runSeed(options: SeedOptions): SeedResult {
  const { seed, nodesMin = 3, nodesMax = 50, seconds = 60 } = options;
  const rng = forkRng(seed, 0);
  const theme = pick(rng, Object.keys(THEMES));
  const nodes = nodesMin + rng.below(nodesMax - nodesMin + 1);
  const settings = options.settings ?? pick(rng, [LAN, LAN, LOCAL]);
  const { world, checkers } = build(options, settings, rng);
  populate(world, nodes, rng);
  scheduleFaults({ world, checkers, rng, faults: THEMES[theme] ?? [], seconds });
  try {
    runUntil(world, seconds * 1000);
    awaitAgreement(world, checkers, nodes);
  } catch (error) {
    checkers.report(
      'crash-of-the-core',
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }
  const { violations, figures } = checkers;
  const { hash, steps, packets, nowMs } = world;
  return { seed, nodes, theme, violations, figures, hash, steps, packets, endMs: nowMs };
}

/** The command that shows a failing seed again. */
export function replayCommand(seed: number, nodesMin = 3, nodesMax = 50, seconds = 60): string {
  return `bun test/sim/campaign.ts --first ${seed} --seeds 1 --nodes ${nodesMin}-${nodesMax} --seconds ${seconds}`;
}

function build(
  options: SeedOptions,
  settings: GossipSettings,
  rng: Rng,
): { world: World; checkers: Checkers } {
  const { seed } = options;
  const checkers = createCheckers(
    settings,
    () => world.nowMs,
    (name) => world.hosts.filter((host) => host.name === name),
  );
  const network = createNetwork(forkRng(seed, 2), someConditions(rng));
  const world: World = createWorld({ seed, network, settings, observer: checkers }, options);
  return { world, checkers };
}

/** Up to 5 % loss and 160 ms there and back: nothing that excuses a false alarm. */
function someConditions(rng: Rng): Conditions {
  const delayMsMin = pick(rng, [0.1, 1, 10]);
  const loss = pick(rng, [0, 0, 0.01, 0.05]);
  return {
    loss,
    usualLoss: loss,
    delayMsMin,
    delayMsMax: delayMsMin + pick(rng, [0.2, 5, 50]),
    duplicates: pick(rng, [0, 0.02]),
    reorders: pick(rng, [0, 0.1]),
    reorderMsMax: 40,
  };
}

function populate(world: World, nodes: number, rng: Rng): void {
  const arriveWithinMs = pick(rng, [100, 5000, 10_000]);
  for (let index = 0; index < nodes; index++) {
    world.hosts.push(createHost({ index, name: `node-${index}`, clockRate: between(rng, 0.99, 1.01) }));
  }
  for (const host of world.hosts) {
    after(world, host.index === 0 ? 0 : between(rng, 0, arriveWithinMs), () => {
      startAgent(world, host, host.index === 0 ? [] : seedsFor(world, rng).slice(0, 1));
    });
  }
}

interface FaultPlan {
  readonly world: World;
  readonly checkers: Checkers;
  readonly rng: Rng;
  readonly faults: readonly Fault[];
  readonly seconds: number;
}

function scheduleFaults({ world, checkers, rng, faults, seconds }: FaultPlan): void {
  const count = rng.below(9);
  const chaosMs = seconds * 1000 * CHAOS_SHARE;
  const maxPauseMs = pick(rng, [1000, 5000, 15_000]);
  for (let i = 0; i < count; i++) {
    const fault = pick(rng, faults);
    after(world, between(rng, 0, chaosMs), () => {
      fault({ world, rng, checkers, maxPauseMs });
    });
  }
}

function awaitAgreement(world: World, checkers: Checkers, nodes: number): void {
  for (const host of world.hosts) resume(world, host);
  const untilMs = world.nowMs + convergenceBoundMs(world.settings, nodes);
  let problem = findDisagreement(world.hosts);
  while (problem !== undefined && world.nowMs < untilMs) {
    runUntil(world, world.nowMs + AGREEMENT_STEP_MS);
    problem = findDisagreement(world.hosts);
  }
  if (problem === undefined) checkers.checkDepartures(world.hosts);
  else checkers.report('convergence', problem);
}
