import { describeParameters, parseParameters } from '#agent/engine/strategy/parameters';
import type { ParameterDescription, Parameterized } from '#agent/engine/strategy/parameters';
import type { ParameterValue, ParameterValues } from '#agent/engine/strategy/strategy';

/**
 * The defaults, and sets around them: counts from very small to longer than `bars`, each word and each
 * truth value once. Counts differ from each other and rise, so that "fast < slow" holds.
 */
export function parameterSets(owner: Parameterized, bars: number): ParameterValues[] {
  const descriptions = describeParameters(owner);
  const scales: Array<(index: number) => number> = [
    (index) => 2 + index,
    (index) => 7 + 4 * index,
    (index) => bars + index,
  ];
  const counted = scales.map((scale) => valuesOf(descriptions, 'integer', (_, index) => scale(index)));
  const words = descriptions.flatMap(({ name, values = [] }) => values.map((value) => ({ [name]: value })));
  const truths = descriptions
    .filter(({ type }) => type === 'boolean')
    .flatMap(({ name }) => [{ [name]: true }, { [name]: false }]);
  return [{}, ...counted, ...words, ...truths].map((given) => parseParameters(owner, given));
}

function valuesOf(
  descriptions: readonly ParameterDescription[],
  type: ParameterDescription['type'],
  choose: (description: ParameterDescription, index: number) => ParameterValue,
): Record<string, ParameterValue> {
  return Object.fromEntries(
    descriptions
      .filter((description) => description.type === type)
      .map((description, index) => [description.name, choose(description, index)]),
  );
}
