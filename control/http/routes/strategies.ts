import { describeStrategy } from '#agent/engine/strategy/describe';
import { parseStrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';
import { strategyVerdict } from '#agent/engine/strategy/file/verdict';
import { STRATEGIES, strategyNamed } from '#agent/engine/strategy/registry';
import type { Strategy } from '#agent/engine/strategy/strategy';
import { Fault } from '#agent/kit/error';
import type { Handlers } from '#control/http/route';

type StrategyHandlers = Pick<Handlers, 'listStrategies' | 'getStrategy' | 'validateStrategy'>;

/** The built-in strategies, and the same check of files that the command line makes. */
export function strategyHandlers(): StrategyHandlers {
  return {
    listStrategies() {
      const data = STRATEGIES.map(describeStrategy);
      return Promise.resolve({ success: true, data, total_count: data.length, active_count: data.length });
    },

    getStrategy({ params }) {
      return Promise.resolve({ success: true, data: describeStrategy(found(params.name)) });
    },

    validateStrategy({ body: { file_name, text } }) {
      const data = strategyVerdict(file_name, () => parseStrategyFile(text, file_name));
      return Promise.resolve({ success: true, data });
    },
  };
}

/** Here a wrong name is a path that leads nowhere. */
function found(name: string): Strategy {
  try {
    return strategyNamed(name);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { message, hint = 'GET /api/v1/strategies/ lists them' } = error;
    throw new Fault('not_found', message, { hint });
  }
}
