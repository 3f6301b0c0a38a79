import { describeIndicator } from '#agent/engine/indicators/describe';
import { INDICATORS, indicatorNamed } from '#agent/engine/indicators/registry';
import type { Indicator } from '#agent/engine/indicators/indicator';
import { describeDomain, describeParameters } from '#agent/engine/strategy/parameters';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { createOutput, type Output } from '#agent/cli/output';

export const indicatorsCommand: CliCommand = {
  name: 'indicators',
  create: (shell) =>
    plainCommand('indicators')
      .summary('Indicators, their parameters and outputs')
      .description('Indicators that strategies can use: what each is, its parameters, outputs and definition')
      .argument('[name]', 'only this one, with its parameters')
      .action((name, { json }) => {
        const output = createOutput(shell, json ?? false);
        const shown = name === undefined ? INDICATORS : [indicatorNamed(name)];
        output.document(shown.map(describeIndicator));
        const [only] = shown;
        if (name !== undefined && only !== undefined) showIndicator(output, only);
        else showIndicators(output);
      })
      .addHelpText(
        'after',
        examples(['indicators', 'all of them'], ['indicators macd', 'one, with its parameters']),
      ),
};

function showIndicators(output: Output): void {
  output.table(INDICATORS, [
    { header: 'INDICATOR', cell: ({ name }) => name },
    { header: 'CATEGORY', cell: ({ category }) => category.replaceAll('_', ' '), optional: true },
    { header: 'MEANING', cell: ({ description }) => description, widthMin: 24 },
    { header: 'OUTPUTS', cell: ({ outputs }) => outputs.join(' '), widthMin: 16, optional: true },
    { header: 'PARAMETERS', cell: defaultsOf, widthMin: 16, optional: true },
  ]);
}

function defaultsOf(indicator: Indicator): string {
  const parameters = describeParameters(indicator);
  return parameters.map((parameter) => `${parameter.name}=${String(parameter.default)}`).join(' ') || '–';
}

function showIndicator(output: Output, indicator: Indicator): void {
  const { name, description, category, reference, inputs, outputs, constraint } = indicator;
  output.line(`${output.style.bold(name)}  ${description}`);
  output.line(`category    ${category.replaceAll('_', ' ')}`);
  output.line(
    `reads       ${inputs.map((input) => (input === 'source' ? 'source (close)' : input)).join(', ')}`,
  );
  output.line(`outputs     ${outputs.join(', ')}`);
  output.line(`definition  ${reference}`);
  const parameters = describeParameters(indicator);
  if (parameters.length === 0) return;
  output.line();
  output.table(parameters, [
    { header: 'PARAMETER', cell: (parameter) => parameter.name },
    { header: 'DEFAULT', cell: (parameter) => String(parameter.default ?? '–') },
    { header: 'MAY BE', cell: describeDomain, widthMin: 8, optional: true },
    { header: 'MEANING', cell: (parameter) => parameter.description, widthMin: 16 },
  ]);
  if (constraint !== undefined) output.line(`only where ${constraint.description}`);
}
