import { describeStrategy } from '#agent/engine/strategy/describe';
import { describeParameters, type ParameterDescription } from '#agent/engine/strategy/parameters';
import { STRATEGIES, strategyNamed } from '#agent/engine/strategy/registry';
import type { Strategy } from '#agent/engine/strategy/strategy';
import type { GridAxis } from '#agent/engine/search/specification';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { isStrategyFile, readStrategyFile } from '#agent/cli/strategy-argument';
import { createOutput, type Output } from '#agent/cli/output';

export const strategiesCommand: CliCommand = {
  name: 'strategies',
  create: (shell) =>
    plainCommand('strategies')
      .summary('Built-in strategies and their parameters')
      .description('Built-in strategies, or that of a file: parameters and what a sweep tries of each')
      .argument('[name]', 'only this one; or a strategy file')
      .action((name, { json }) => {
        const output = createOutput(shell, json ?? false);
        const shown = name === undefined ? STRATEGIES : [strategyOf(name)];
        output.document(shown.map(describeStrategy));
        for (const [index, strategy] of shown.entries()) {
          if (index > 0) output.line();
          showStrategy(output, strategy);
        }
      })
      .addHelpText(
        'after',
        examples(
          ['strategies', 'all of them'],
          ['strategies my.yaml', 'that of a file'],
          ['strategies sma_cross --json', 'one of them, for scripts'],
        ),
      ),
};

function strategyOf(argument: string): Strategy {
  return isStrategyFile(argument) ? readStrategyFile(argument).file.strategy : strategyNamed(argument);
}

function showStrategy(output: Output, strategy: Strategy): void {
  const { name, description, grid, constraint } = strategy;
  output.line(`${output.style.bold(name)}  ${description}`);
  output.table(describeParameters(strategy), [
    { header: 'PARAMETER', cell: (parameter) => parameter.name },
    { header: 'DEFAULT', cell: (parameter) => String(parameter.default ?? '–') },
    { header: 'MAY BE', cell: domainOf, widthMin: 8, optional: true },
    { header: 'SWEPT AS', cell: (parameter) => axisText(grid[parameter.name]) },
    { header: 'MEANING', cell: (parameter) => parameter.description, widthMin: 16 },
  ]);
  if (constraint !== undefined) output.line(`only where ${constraint.description}`);
}

function domainOf({ type, values, minimum, maximum }: ParameterDescription): string {
  if (values !== undefined) return values.join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return type;
}

function axisText(axis: GridAxis | undefined): string {
  if (axis === undefined) return '–';
  if (typeof axis !== 'object') return String(axis);
  return 'values' in axis ? axis.values.join(',') : `${axis.from}:${axis.to}:${axis.step}`;
}
