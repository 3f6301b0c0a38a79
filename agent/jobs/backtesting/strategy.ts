import { z } from 'zod';
import { FILE_BYTES_MAX } from '#agent/engine/strategy/file/document';
import { parseStrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';
import { strategyNamed } from '#agent/engine/strategy/registry';
import type { Strategy } from '#agent/engine/strategy/strategy';

/** A strategy by its name, or by its content: what is stored and hashed is then the file itself. */
export const strategyFields = {
  strategy_name: z.string().min(1).max(100).optional().describe('a built-in strategy'),
  strategy: z
    .strictObject({
      file_name: z
        .string()
        .regex(/^[^\p{Cc}/\\]{1,200}$/u, 'must be a file name without a path')
        .describe('name that errors show'),
      text: z
        .string()
        .max(FILE_BYTES_MAX)
        .refine(
          (text) => Buffer.byteLength(text) <= FILE_BYTES_MAX,
          `must have at most ${FILE_BYTES_MAX} bytes`,
        )
        .describe('content of a strategy file, YAML'),
    })
    .optional()
    .describe('a strategy file, instead of strategy_name'),
};

type StrategyRequest = z.output<z.ZodObject<typeof strategyFields>>;

export const STRATEGY_ONCE = 'give either strategy_name or strategy: {file_name, text}';

export function strategyOnce({ strategy_name, strategy }: StrategyRequest): boolean {
  return (strategy_name === undefined) !== (strategy === undefined);
}

/** Throws Fault `invalid` for an unknown name, and for a file with the place of its first mistake. */
export function strategyOf({ strategy_name = '', strategy }: StrategyRequest): Strategy {
  if (strategy === undefined) return strategyNamed(strategy_name);
  return parseStrategyFile(strategy.text, strategy.file_name).strategy;
}

/** What lists and reports show of it. */
export function strategyMetadata(request: StrategyRequest): Record<string, string> {
  const { name } = strategyOf(request);
  if (request.strategy === undefined) return { strategy_name: name };
  return { strategy_name: name, strategy_file: request.strategy.file_name };
}
