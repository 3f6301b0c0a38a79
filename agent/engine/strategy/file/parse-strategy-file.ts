import { isScalar } from 'yaml';
import { createBars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import type { BoundCondition, Run, Scope } from '#agent/engine/strategy/expression/bound';
import type { Constraint, ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import {
  describeNode,
  readDocument,
  readFields,
  readItems,
  readText,
  reportUnknownKey,
  scalarText,
} from './document';
import type { Document, Field } from './document';
import { readCondition } from './expressions';
import { readIndicators } from './indicators-section';
import type { IndicatorDraft } from './indicators-section';
import { reportOlderVersion } from './older-versions';
import { readParameters } from './parameters-section';
import type { ParameterDraft } from './parameters-section';
import { createRuleStrategy } from './rule-strategy';
import { readRules } from './rules-section';
import { readTrainingData } from './training-data';
import type { TrainingData } from './training-data';

/** A strategy that a file describes, and what else the file says. */
export interface StrategyFile {
  readonly strategy: Strategy;
  readonly trainingData: TrainingData;
}

/**
 * Reads a strategy of KTRDR's version 3.0 with `model: {type: rules}`. Throws Fault `invalid`, whose
 * message names file, line and column of the first mistake; `details.problems` lists all of them.
 */
export function parseStrategyFile(text: string, fileName: string): StrategyFile {
  const document = readDocument(text, fileName);
  document.problems.throwIfAny();
  const fields = readFields(document, document.root, 'a strategy file');
  document.problems.throwIfAny();
  if (reportOlderVersion(document, fields) || !isOfRules(document, fields)) document.problems.throwIfAny();
  const file = readStrategy(document, fields);
  document.problems.throwIfAny();
  return file;
}

const RULE_KEYS = [
  'name',
  'description',
  'version',
  'training_data',
  'parameters',
  'constraints',
  'indicators',
  'model',
];
/** What KTRDR's neural models read, and rules do not. */
const MODEL_KEYS = ['context_data', 'fuzzy_sets', 'nn_inputs', 'decisions', 'training', 'deployment'];
const CONSTRAINTS_MAX = 32;

function readStrategy(document: Document, fields: ReadonlyMap<string, Field>): StrategyFile {
  checkKeys(document, fields);
  const name = readName(document, fields.get('name'));
  const description = fields.get('description');
  const trainingData = readTrainingData(document, fields.get('training_data'));
  const parameters = readParameters(document, fields.get('parameters'));
  const indicators = readIndicators(document, fields.get('indicators'), parameters);
  const scope: Scope = { parameters, indicators, bars: true };
  const model = fields.get('model') as Field;
  const sound = document.problems.count === 0;
  const rules = sound ? readRules(document, model, scope) : undefined;
  const constraint = readConstraint(document, fields.get('constraints'), { parameters, indicators });
  const finished = new Map(
    document.problems.count === 0
      ? [...parameters.values()].map((draft) => [draft.name, draft.finish()] as const)
      : [],
  );
  document.problems.throwIfAny();
  return {
    trainingData,
    strategy: createRuleStrategy({
      name,
      description: (description && readText(document, description, 1000))?.trim() ?? '',
      parameters: finished,
      constraint,
      rules: rules as NonNullable<typeof rules>,
      historyRequired: trainingData.historyRequired,
    }),
  };
}

/** Whether this is what runs today; reports what is missing or is of another type. */
function isOfRules(document: Document, fields: ReadonlyMap<string, Field>): boolean {
  const { problems } = document;
  const model = fields.get('model');
  const wanted = 'model: {type: rules, entries: {long: …}, exits: {long: …}}';
  if (model === undefined) {
    const suspect = [...fields.values()].find(({ key }) => key.toLowerCase().startsWith('mod'));
    if (suspect !== undefined) {
      reportUnknownKey(document, { ...suspect, what: 'a strategy file' }, RULE_KEYS);
    } else problems.report(0, 'the file has no model', `write ${wanted}`);
    return false;
  }
  const type = readFields(document, model.value, 'model').get('type');
  if (type === undefined) {
    problems.report(model.offset, 'model has no type', `write ${wanted}`);
    return false;
  }
  const text = isScalar(type.value) ? scalarText(type.value) : '';
  if (text === 'rules') return true;
  const at = type.value?.range[0] ?? type.offset;
  const neural = ['mlp', 'lstm', 'gru'].includes(text);
  const got = type.value === null ? 'nothing' : describeNode(type.value);
  const message = neural ? `models of type ${text} do not run yet` : `there is no model type ${got}`;
  problems.report(at, message, `what runs is ${wanted}`);
  return false;
}

function checkKeys(document: Document, fields: ReadonlyMap<string, Field>): void {
  for (const { key, offset } of fields.values()) {
    if (RULE_KEYS.includes(key)) continue;
    if (MODEL_KEYS.includes(key)) {
      const hint = `remove ${key}: it belongs to neural models`;
      document.problems.report(offset, `nothing reads '${key}' where the model is of type rules`, hint);
    } else reportUnknownKey(document, { key, offset, what: 'a strategy file' }, RULE_KEYS);
  }
}

function readName(document: Document, field: Field | undefined): string {
  if (field === undefined) {
    document.problems.report(0, 'the strategy has no name', 'write name: my_strategy');
    return '';
  }
  const name = readText(document, field, 100);
  if (name === undefined || /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/.test(name)) return name ?? '';
  const hint = 'letters, digits, blanks and . _ -, beginning with a letter or a digit';
  document.problems.report(
    field.value?.range[0] ?? field.offset,
    `name cannot be ${JSON.stringify(name)}`,
    hint,
  );
  return '';
}

interface Drafts {
  parameters: ReadonlyMap<string, ParameterDraft>;
  indicators: ReadonlyMap<string, IndicatorDraft>;
}

interface BoundConstraint {
  text: string;
  condition: BoundCondition;
}

/** What the file lists, and what its indicators ask of one another's parameters. */
function readConstraint(
  document: Document,
  field: Field | undefined,
  { parameters, indicators }: Drafts,
): Constraint | undefined {
  const items = field === undefined ? [] : readItems(document, field);
  if (field !== undefined && items.length > CONSTRAINTS_MAX) {
    document.problems.report(
      field.offset,
      `there are ${items.length} constraints, the limit is ${CONSTRAINTS_MAX}`,
    );
    return undefined;
  }
  // A parameter that only constraints know changes nothing: this is no use of it.
  const slots = [...parameters].map(([name, { type }]) => [name, { type, use: () => undefined }] as const);
  const scope: Scope = { parameters: new Map(slots), indicators: new Map(), bars: false };
  const defaults = Object.fromEntries([...parameters.values()].map((draft) => [draft.name, draft.default]));
  const bound: BoundConstraint[] = [];
  for (const value of items) {
    const offset = value?.range[0] ?? field?.offset ?? 0;
    const condition = readCondition(document, { key: 'a constraint', offset, value }, scope);
    if (condition === undefined) continue;
    const text = isScalar(value) ? scalarText(value).trim() : '';
    bound.push({ text, condition });
    if (holds(condition, defaults)) continue;
    const got = [...condition.parameters].map((name) => `${name} = ${String(defaults[name])}`).join(', ');
    document.problems.report(
      offset,
      `the defaults break the constraint ${text}: ${got}`,
      'change the defaults',
    );
  }
  const dependent = [...indicators.values()].filter(
    (indicator) => indicator.constraint !== undefined && indicator.parameters.size > 0,
  );
  if (bound.length === 0 && dependent.length === 0) return undefined;
  const texts = [...bound.map(({ text }) => text), ...dependent.map(({ constraint }) => String(constraint))];
  return {
    description: [...new Set(texts)].join(' and '),
    holds: (values) =>
      bound.every(({ condition }) => holds(condition, values)) &&
      dependent.every((indicator) => indicator.holds(values)),
  };
}

function holds(condition: BoundCondition, parameters: ParameterValues): boolean {
  const run: Run = { bars: NO_BARS, parameters, cache: NO_CACHE };
  return condition.surely(run) === true;
}

/** Constraints know no bars: their scope has none. */
const NO_BARS = createBars('', '1d', {
  time: new BigInt64Array(0),
  open: new Float64Array(0),
  high: new Float64Array(0),
  low: new Float64Array(0),
  close: new Float64Array(0),
  volume: new Float64Array(0),
});
const NO_CACHE = createIndicatorCache({ bytesMax: 0 });
