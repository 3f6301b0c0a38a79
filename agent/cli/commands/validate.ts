import type { StrategyVerdict } from '#agent/contract/strategy-endpoints';
import { describeParameters } from '#agent/engine/strategy/parameters';
import type { Strategy } from '#agent/engine/strategy/strategy';
import { COMBINATIONS_MAX, countCombinations } from '#agent/engine/search/grid';
import { planSweep } from '#agent/engine/search/plan';
import type { StrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';
import { describeProblem, problemsOf } from '#agent/engine/strategy/file/problems';
import { strategyVerdict } from '#agent/engine/strategy/file/verdict';
import { Fault } from '#agent/kit/error';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { createOutput, type Output } from '#agent/cli/output';
import { readStrategyFile } from '#agent/cli/strategy-argument';
import { printable } from '#agent/cli/text';

export const validateCommand: CliCommand = {
  name: 'validate',
  create: (shell) =>
    plainCommand('validate')
      .summary('Check strategy files')
      .description('Check strategy files and name each mistake with its line and column')
      .argument('<files...>', 'strategy files, YAML')
      .action((paths, { json }) => {
        const output = createOutput(shell, json ?? false);
        const verdicts = paths.map(judge);
        output.document(verdicts.map(documentOf));
        for (const verdict of verdicts) showVerdict(output, verdict);
        if (verdicts.some(({ fault }) => fault !== undefined)) shell.setExitCode(EXIT_INVALID);
      })
      .addHelpText(
        'after',
        examples(
          ['validate my.yaml', 'ok and a summary, or the mistakes and exit code 2'],
          ['validate strategies/*.yaml --json', 'for scripts'],
        ),
      ),
};

const EXIT_INVALID = 2;

type Verdict =
  | { path: string; file: StrategyFile; fault?: undefined }
  | { path: string; file?: undefined; fault: Fault };

function judge(path: string): Verdict {
  try {
    return { path, file: readStrategyFile(path).file };
  } catch (error) {
    if (error instanceof Fault) return { path, fault: error };
    throw error;
  }
}

function documentOf({ path, file, fault }: Verdict): StrategyVerdict {
  return strategyVerdict(path, () => {
    if (fault !== undefined) throw fault;
    return file;
  });
}

function combinationsOf(strategy: Strategy): string {
  const all = countCombinations(strategy.grid);
  if (all === 1n) return 'no ranges to sweep';
  if (all > BigInt(COMBINATIONS_MAX)) return `${all} combinations, more than one sweep tries`;
  return `${planSweep(strategy).unitCount} combinations to sweep`;
}

function showVerdict(output: Output, { path, file, fault }: Verdict): void {
  if (fault !== undefined) {
    const problems = problemsOf(fault.details);
    if (problems.length === 0) {
      output.line(printable(fault.message));
      if (fault.hint !== undefined) output.line(`  hint: ${printable(fault.hint)}`);
    }
    for (const problem of problems) {
      output.line(printable(describeProblem(path, problem)));
      if (problem.hint !== null) output.line(`  hint: ${printable(problem.hint)}`);
    }
    return;
  }
  const { strategy } = file;
  const parameters = describeParameters(strategy).map(
    (parameter) => `${parameter.name} ${String(parameter.default)}`,
  );
  const warmup = strategy.warmupBars(strategy.parameters.parse({}) as Record<string, number>);
  output.line(
    [
      `${printable(path)}: ok: ${strategy.name}`,
      parameters.length === 0 ? 'no parameters' : `parameters ${parameters.join(', ')}`,
      combinationsOf(strategy),
      `${warmup} bars of warm-up`,
    ].join('; '),
  );
}
