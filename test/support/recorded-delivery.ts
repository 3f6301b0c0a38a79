import type { SpooledUnit } from '#agent/contract/job';
import type { ResultReport } from '#agent/contract/lease';
import type { Progress } from '#agent/contract/operation';
import type { DeliveredLine, Delivery, DeliveryVerdict } from '#agent/worker/attempts/delivery';
import { attemptName } from '#agent/worker/attempt-files';

/** What a control plane heard of one attempt. */
export interface Heard {
  units: SpooledUnit[];
  progress: Progress[];
  lines: DeliveredLine[];
  results: ResultReport[];
  /** Names of the calls, in order. */
  calls: string[];
}

export interface RecordedDelivery extends Delivery {
  of(name: string): Heard;
  /** What the next reports are answered. */
  verdict: DeliveryVerdict;
  /** While set, reports wait as if the control plane were away. */
  isAway: boolean;
}

/** A control plane that accepts everything and remembers it, as real as the port allows. */
export function recordedDelivery(): RecordedDelivery {
  const byAttempt = new Map<string, Heard>();
  const of = (name: string): Heard => {
    const heard = byAttempt.get(name) ?? { units: [], progress: [], lines: [], results: [], calls: [] };
    byAttempt.set(name, heard);
    return heard;
  };
  const answer = async (call: {
    name: string;
    what: string;
    signal: AbortSignal;
  }): Promise<DeliveryVerdict> => {
    while (delivery.isAway) {
      call.signal.throwIfAborted();
      await Bun.sleep(5);
    }
    call.signal.throwIfAborted();
    of(call.name).calls.push(call.what);
    return delivery.verdict;
  };
  const delivery: RecordedDelivery = {
    of,
    verdict: 'accepted',
    isAway: false,
    async progress(key, progress, signal) {
      const verdict = await answer({ name: attemptName(key), what: 'progress', signal });
      of(attemptName(key)).progress.push(progress);
      return verdict;
    },
    async units(key, units, signal) {
      const verdict = await answer({ name: attemptName(key), what: 'units', signal });
      if (verdict === 'accepted') of(attemptName(key)).units.push(...units);
      return verdict;
    },
    async logs(key, lines, signal) {
      const verdict = await answer({ name: attemptName(key), what: 'logs', signal });
      of(attemptName(key)).lines.push(...lines);
      return verdict;
    },
    async result(key, report, signal) {
      const verdict = await answer({ name: attemptName(key), what: 'result', signal });
      if (verdict === 'accepted') of(attemptName(key)).results.push(report);
      return verdict;
    },
  };
  return delivery;
}
