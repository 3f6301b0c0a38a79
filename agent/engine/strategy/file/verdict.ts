import type { StrategyVerdict } from '#agent/contract/strategy-endpoints';
import { describeStrategy } from '#agent/engine/strategy/describe';
import { Fault } from '#agent/kit/error';
import { problemsOf } from './problems';
import type { StrategyFile } from './parse-strategy-file';

/** Whether a strategy file can be used, and what is wrong with it; `read` throws the Fault of a bad one. */
export function strategyVerdict(fileName: string, read: () => StrategyFile): StrategyVerdict {
  try {
    const strategy = describeStrategy(read().strategy);
    return { file: fileName, ok: true, error: null, hint: null, problems: [], strategy };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { message, hint, details } = error;
    const problems = problemsOf(details);
    return { file: fileName, ok: false, error: message, hint: hint ?? null, problems, strategy: null };
  }
}
