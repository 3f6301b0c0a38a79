import type { Rng } from '#agent/kit/rng';
import type { Coordinate } from '#agent/gossip/wire/serf-messages';

/**
 * Vivaldi network coordinates: round-trip times between any two nodes from a few measurements each.
 * Dabek, Cox, Kaashoek, Morris: "Vivaldi: A Decentralized Network Coordinate System", SIGCOMM 2004;
 * heights and adjustment as in Ledlie, Gardner, Seltzer: "Network Coordinates in the Wild", NSDI 2007.
 * Parameters are those of Serf, so that its nodes and ours share one space. Times in seconds.
 */
const DIMENSIONS = 8;
const ERROR_MAX = 1.5;
/** ce and cc: how far one sample moves the confidence and the position. */
const ERROR_WEIGHT = 0.25;
const MOVE_WEIGHT = 0.25;
const HEIGHT_MIN = 10e-6;
const ADJUSTMENT_SAMPLES = 20;
const LATENCY_SAMPLES = 3;
/** Keeps the whole cloud from drifting away: force (distance from origin / rho)². */
const GRAVITY_RHO = 150;
const RTT_MAX = 10;
const ZERO = 1e-6;

export const ORIGIN: Coordinate = {
  Vec: Array.from({ length: DIMENSIONS }, () => 0),
  Error: ERROR_MAX,
  Adjustment: 0,
  Height: HEIGHT_MIN,
};

export interface Coordinates {
  own(): Coordinate;
  of(name: string): Coordinate | undefined;
  /** One measured round trip to a peer and the coordinate it sent. False when they are not believed. */
  observe(peer: string, coordinate: Coordinate, rttSeconds: number): boolean;
  forget(peer: string): void;
}

export function createCoordinates(rng: Rng): Coordinates {
  let own = ORIGIN;
  const peers = new Map<string, Coordinate>();
  const latencies = new Map<string, number[]>();
  const adjustments: number[] = [];
  return {
    own: () => own,
    of: (name) => peers.get(name),
    observe(peer, coordinate, rttSeconds) {
      if (!isPlausible(coordinate) || !(rttSeconds >= 0 && rttSeconds <= RTT_MAX)) return false;
      const samples = [...(latencies.get(peer) ?? []), rttSeconds].slice(-LATENCY_SAMPLES);
      latencies.set(peer, samples);
      const rtt = median(samples);
      peers.set(peer, coordinate);
      const moved = pulled(own, coordinate, { rtt, rng });
      adjustments.push(rtt - rawDistance(moved, coordinate));
      if (adjustments.length > ADJUSTMENT_SAMPLES) adjustments.shift();
      const sum = adjustments.reduce((total, value) => total + value, 0);
      const next = towardsOrigin({ ...moved, Adjustment: sum / (2 * ADJUSTMENT_SAMPLES) }, rng);
      own = isPlausible(next) ? next : ORIGIN;
      return true;
    },
    forget(peer) {
      peers.delete(peer);
      latencies.delete(peer);
    },
  };
}

/** Estimated round trip between two nodes, seconds. */
export function distance(a: Coordinate, b: Coordinate): number {
  const raw = rawDistance(a, b);
  const adjusted = raw + a.Adjustment + b.Adjustment;
  return adjusted > 0 ? adjusted : raw;
}

interface Sample {
  rtt: number;
  rng: Rng;
}

/** One step of the spring between two nodes, weighted by whom of them is surer of its place. */
function pulled(own: Coordinate, other: Coordinate, { rtt, rng }: Sample): Coordinate {
  const measured = Math.max(rtt, ZERO);
  const estimated = rawDistance(own, other);
  const wrongness = Math.abs(estimated - measured) / measured;
  const totalError = Math.max(own.Error + other.Error, ZERO);
  const weight = own.Error / totalError;
  const error = ERROR_WEIGHT * weight * wrongness + own.Error * (1 - ERROR_WEIGHT * weight);
  const force = MOVE_WEIGHT * weight * (measured - estimated);
  return { ...pushed(own, other, { force, rng }), Error: Math.min(error, ERROR_MAX) };
}

function towardsOrigin(own: Coordinate, rng: Rng): Coordinate {
  const far = rawDistance(ORIGIN, own);
  return pushed(own, ORIGIN, { force: -((far / GRAVITY_RHO) ** 2), rng });
}

/** Away from `other` by `force` seconds (towards it when negative). */
function pushed(own: Coordinate, other: Coordinate, { force, rng }: { force: number; rng: Rng }): Coordinate {
  const { direction, length } = unitFrom(other, own, rng);
  const Vec = own.Vec.map((value, i) => value + (direction[i] ?? 0) * force);
  if (length <= ZERO) return { ...own, Vec };
  const height = ((own.Height + other.Height) * force) / length + own.Height;
  return { ...own, Vec, Height: Math.max(height, HEIGHT_MIN) };
}

/** Direction from one to the other; a random one where they coincide. */
function unitFrom(from: Coordinate, to: Coordinate, rng: Rng): { direction: number[]; length: number } {
  const difference = to.Vec.map((value, i) => value - (from.Vec[i] ?? 0));
  const length = Math.hypot(...difference);
  if (length > ZERO) return { direction: difference.map((value) => value / length), length };
  const random = difference.map(() => rng.next() - 0.5);
  const size = Math.max(Math.hypot(...random), ZERO);
  return { direction: random.map((value) => value / size), length: 0 };
}

function rawDistance(a: Coordinate, b: Coordinate): number {
  return Math.hypot(...a.Vec.map((value, i) => value - (b.Vec[i] ?? 0))) + a.Height + b.Height;
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? 0;
}

function isPlausible({ Vec, Error: error, Adjustment, Height }: Coordinate): boolean {
  return Vec.length === DIMENSIONS && [...Vec, error, Adjustment, Height].every(Number.isFinite);
}
