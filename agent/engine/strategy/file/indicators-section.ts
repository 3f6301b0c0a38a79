import { TIMEFRAMES } from '#agent/contract/timeframe';
import type { Timeframe } from '#agent/contract/timeframe';
import { present } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Bars } from '#agent/engine/bars';
import { alignHigherTimeframe } from '#agent/engine/higher-timeframe';
import type { HigherTimeframe } from '#agent/engine/higher-timeframe';
import type { Indicator } from '#agent/engine/indicators/indicator';
import { indicatorNamed } from '#agent/engine/indicators/registry';
import { bindNumber } from '#agent/engine/strategy/expression/bind';
import type { BoundNumber, IndicatorSlot, Run, Scope } from '#agent/engine/strategy/expression/bound';
import { cached } from '#agent/engine/strategy/expression/functions';
import { describeParameters, parseParameters } from '#agent/engine/strategy/parameters';
import type { ParameterValue, ParameterValues } from '#agent/engine/strategy/strategy';
import { readFields, readScalar, readText, reportUnknownKey } from './document';
import type { Document, Field } from './document';
import { readExpression } from './expressions';
import { isUsableName } from './names';
import type { ParameterDraft } from './parameters-section';

/** An indicator of the file: what expressions see of it, and what it asks of the parameters. */
export interface IndicatorDraft extends IndicatorSlot {
  /** Whether the parameters satisfy the indicator's own constraint. */
  holds(parameters: ParameterValues): boolean;
  readonly constraint: string | undefined;
}

const INDICATORS_MAX = 64;
/** What an indicator has beside its own parameters. */
const FRAME_KEYS = ['type', 'timeframe', 'source'];

export function readIndicators(
  document: Document,
  section: Field | undefined,
  parameters: ReadonlyMap<string, ParameterDraft>,
): Map<string, IndicatorDraft> {
  const drafts = new Map<string, IndicatorDraft>();
  if (section === undefined) return drafts;
  const fields = readFields(document, section.value, 'indicators');
  if (fields.size > INDICATORS_MAX) {
    document.problems.report(
      section.offset,
      `there are ${fields.size} indicators, the limit is ${INDICATORS_MAX}`,
    );
    return drafts;
  }
  for (const field of fields.values()) {
    if (!isUsableName(document, field, 'indicator')) continue;
    if (parameters.has(field.key)) {
      document.problems.report(field.offset, `'${field.key}' is already the name of a parameter`);
      continue;
    }
    // An indicator may stand on those above it, never on itself: there is no circle.
    const draft = readIndicator(document, field, { parameters, indicators: drafts, bars: true });
    if (draft !== undefined) drafts.set(field.key, draft);
  }
  return drafts;
}

interface FileScope extends Scope {
  readonly parameters: ReadonlyMap<string, ParameterDraft>;
}

/** A value written out, or the parameter that gives it. */
type Setting = { readonly value: ParameterValue } | { readonly from: ParameterDraft };

function readIndicator(document: Document, field: Field, scope: FileScope): IndicatorDraft | undefined {
  const fields = readFields(document, field.value, `indicator ${field.key}`);
  if (fields.size === 0) return undefined;
  const type = fields.get('type');
  if (type === undefined) {
    document.problems.report(field.offset, `indicator ${field.key} has no type`, 'such as type: sma');
    return undefined;
  }
  const chosen = readSetting(document, type, scope);
  const candidates = chosen === undefined ? [] : readCandidates(document, type, chosen);
  const [first] = candidates;
  if (chosen === undefined || first === undefined) return undefined;
  const problemsBefore = document.problems.count;
  const timeframe = readTimeframe(document, fields.get('timeframe'));
  // The indicators of the file are columns of the base bars, which do not fit the longer ones.
  const sourceScope = timeframe === undefined ? scope : { ...scope, indicators: new Map() };
  const source = readSource(document, fields.get('source'), { candidates, scope: sourceScope });
  const settings = readSettings(document, field, { fields, candidates, scope });
  if (document.problems.count > problemsBefore) return undefined;
  const bases = readBases(document, field, { candidates, settings });
  return bases === undefined
    ? undefined
    : createDraft({ chosen, candidates, settings, source, bases, timeframe });
}

/** `type: sma`, or `type: $average` for a parameter whose words name indicators. */
function readCandidates({ problems }: Document, type: Field, chosen: Setting): Indicator[] {
  const words = 'from' in chosen ? chosen.from.words : [String(chosen.value)];
  const candidates: Indicator[] = [];
  for (const word of words) {
    try {
      candidates.push(indicatorNamed(word));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      problems.report(
        type.value?.range[0] ?? type.offset,
        `there is no indicator '${word.slice(0, 100)}'`,
        error.hint,
      );
      return [];
    }
  }
  return candidates;
}

function readSetting({ problems, ...rest }: Document, field: Field, scope: FileScope): Setting | undefined {
  const value = readScalar({ problems, ...rest }, field);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !value.startsWith('$')) return { value };
  const name = value.slice(1);
  const draft = scope.parameters.get(name);
  if (draft === undefined) {
    const names = [...scope.parameters.keys()];
    const suggestion = nearest(name, names);
    const known = names.length === 0 ? 'the file declares none' : `parameters: ${names.join(', ')}`;
    problems.report(
      field.value?.range[0] ?? field.offset,
      `there is no parameter '${name.slice(0, 100)}'`,
      suggestion === undefined ? known : `did you mean '$${suggestion}'? ${known}`,
    );
    return undefined;
  }
  draft.use();
  return { from: draft };
}

interface IndicatorSource {
  readonly key: string;
  readonly bound: BoundNumber;
  column(run: Run): Float64Array;
}

function readSource(
  document: Document,
  field: Field | undefined,
  { candidates, scope }: { candidates: readonly Indicator[]; scope: FileScope },
): IndicatorSource | undefined {
  if (field === undefined) return undefined;
  const without = candidates.find(({ inputs }) => !inputs.includes('source'));
  if (without !== undefined) {
    document.problems.report(
      field.offset,
      `${without.name} takes no source: it reads ${without.inputs.join(', ')}`,
    );
    return undefined;
  }
  return readExpression(document, field, (expression) => {
    const bound = bindNumber(expression, scope, 'source');
    const { key, parameters } = bound;
    // A price or an output is a column that stays the same from run to run; anything else is kept by its text.
    const isColumn =
      expression.kind === 'output' || (expression.kind === 'name' && !scope.parameters.has(expression.name));
    return {
      key,
      bound,
      column: (run) => {
        const column = isColumn ? bound.evaluate(run) : undefined;
        return column instanceof Float64Array
          ? column
          : cached(run, { key, parameters }, () => bound.evaluate(run));
      },
    };
  });
}

function readSettings(
  document: Document,
  field: Field,
  given: { fields: ReadonlyMap<string, Field>; candidates: readonly Indicator[]; scope: FileScope },
): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const setting of given.fields.values()) {
    if (FRAME_KEYS.includes(setting.key)) continue;
    const read = readIndicatorParameter(document, setting, { ...given, what: `indicator ${field.key}` });
    if (read !== undefined) settings.set(setting.key, read);
  }
  return settings;
}

function readIndicatorParameter(
  document: Document,
  field: Field,
  given: { candidates: readonly Indicator[]; scope: FileScope; what: string },
): Setting | undefined {
  for (const indicator of given.candidates) {
    const names = Object.keys(indicator.parameters.shape);
    if (names.includes(field.key)) continue;
    const what = `${given.what} (${indicator.name})`;
    const known = [
      ...FRAME_KEYS.filter((key) => key !== 'source' || indicator.inputs.includes('source')),
      ...names,
    ];
    reportUnknownKey(document, { key: field.key, offset: field.offset, what }, known);
    return undefined;
  }
  const setting = readSetting(document, field, given.scope);
  if (setting === undefined) return undefined;
  for (const indicator of given.candidates) {
    const wanted = describeParameters(indicator).find(({ name }) => name === field.key);
    if ('from' in setting && setting.from.type === 'number' && wanted !== undefined) {
      const { type, minimum, maximum } = wanted;
      setting.from.use({ whole: type === 'integer', minimum, maximum });
      if (!setting.from.fits()) return undefined;
    }
    const tested = 'value' in setting ? [setting.value] : testedValues(setting.from);
    for (const value of tested) checkValue(document, field, { indicator, value });
  }
  return setting;
}

/** Numbers are checked by the domain that their use gave them. */
function testedValues(draft: ParameterDraft): readonly ParameterValue[] {
  if (draft.type === 'string') return draft.words;
  return draft.type === 'boolean' ? [draft.default] : [];
}

function checkValue(
  { problems }: Document,
  field: Field,
  { indicator, value }: { indicator: Indicator; value: ParameterValue },
): void {
  const { constraint: _, ...unconstrained } = indicator;
  try {
    parseParameters(unconstrained, { [field.key]: value });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const message = error.message.replace(/^Cannot use parameters of \w+: /, '');
    const word =
      typeof value === 'string' && !value.startsWith('$') ? `write $${value} for a parameter` : undefined;
    problems.report(field.value?.range[0] ?? field.offset, message, word);
  }
}

/** The parameters of each candidate with the defaults of the file, in the order of its schema. */
function readBases(
  { problems }: Document,
  field: Field,
  { candidates, settings }: { candidates: readonly Indicator[]; settings: ReadonlyMap<string, Setting> },
): Map<Indicator, ParameterValues> | undefined {
  const values = [...settings].map(([name, setting]) => [
    name,
    'value' in setting ? setting.value : setting.from.default,
  ]);
  try {
    const input: unknown = Object.fromEntries(values);
    return new Map(candidates.map((indicator) => [indicator, parseParameters(indicator, input)]));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const message = error.message.replace(/^Cannot use parameters of (\w+): /, '$1: ');
    problems.report(field.offset, message, error.hint);
    return undefined;
  }
}

interface DraftParts {
  chosen: Setting;
  candidates: readonly Indicator[];
  settings: ReadonlyMap<string, Setting>;
  source: IndicatorSource | undefined;
  bases: ReadonlyMap<Indicator, ParameterValues>;
  /** Of longer bars, seen once they have closed. */
  timeframe: Timeframe | undefined;
}

function createDraft(parts: DraftParts): IndicatorDraft {
  const { chosen, candidates, settings, source, bases, timeframe } = parts;
  const first = present(candidates[0], 'an indicator');
  const referred = [...settings].flatMap(([name, setting]) =>
    'from' in setting ? [[name, setting.from.name] as const] : [],
  );
  const choose = (parameters: ParameterValues): Indicator =>
    'value' in chosen
      ? first
      : (candidates.find(({ name }) => name === parameters[chosen.from.name]) ?? first);
  const resolve = (indicator: Indicator, parameters: ParameterValues): ParameterValues => {
    const base = present(bases.get(indicator), indicator.name);
    if (referred.length === 0) return base;
    const resolved: Record<string, ParameterValue | undefined> = { ...base };
    for (const [name, parameter] of referred) resolved[name] = parameters[parameter];
    return resolved;
  };
  const ownParameters = [
    ...referred.map(([, name]) => name),
    ...('from' in chosen ? [chosen.from.name] : []),
  ];
  const key = draftKey(parts);
  const parameters = new Set([...ownParameters, ...(source?.bound.parameters ?? [])]);
  const column = (run: Run, output: string | undefined): Float64Array => {
    const indicator = choose(run.parameters);
    const outputs = run.cache.outputs(run.bars, {
      indicator,
      parameters: resolve(indicator, run.parameters),
      source: source?.column(run) ?? 'close',
    });
    const name = output ?? indicator.outputs[0];
    return present(outputs[name], name);
  };
  return {
    key,
    // Where the type is a choice, only what every choice has can be meant by name.
    outputs: first.outputs.filter((output) => candidates.every(({ outputs }) => outputs.includes(output))),
    parameters,
    constraint: candidates.find(({ constraint }) => constraint !== undefined)?.constraint?.description,
    holds(values) {
      const indicator = choose(values);
      return indicator.constraint?.holds(resolve(indicator, values)) ?? true;
    },
    warmupBars(values) {
      // How many bars make a longer one only the bars know; until then there is no value and no signal.
      if (timeframe !== undefined) return 0;
      const indicator = choose(values);
      const below = source?.bound.warmupBars(values) ?? 0;
      return below + indicator.warmupBars(resolve(indicator, values));
    },
    column(run, output) {
      if (timeframe === undefined) return column(run, output);
      const definition = { key: `${key}.${output ?? ''}`, parameters };
      return cached(run, definition, () => {
        const higher = higherTimeframe(run.bars, timeframe);
        return higher.align(column({ ...run, bars: higher.bars }, output));
      });
    },
  };
}

/** Units of a sweep share the longer bars as they share the bars themselves. */
const higherBars = new WeakMap<Bars, Map<Timeframe, HigherTimeframe>>();

function higherTimeframe(bars: Bars, timeframe: Timeframe): HigherTimeframe {
  const known = higherBars.get(bars) ?? new Map<Timeframe, HigherTimeframe>();
  higherBars.set(bars, known);
  const higher = known.get(timeframe) ?? alignHigherTimeframe(bars, timeframe);
  known.set(timeframe, higher);
  return higher;
}

function readTimeframe(document: Document, field: Field | undefined): Timeframe | undefined {
  const text = field && readText(document, field, 32);
  const found = TIMEFRAMES.find((timeframe) => timeframe === text);
  if (field !== undefined && text !== undefined && found === undefined) {
    const at = field.value?.range[0] ?? field.offset;
    document.problems.report(at, `there is no timeframe '${text}'`, `timeframes: ${TIMEFRAMES.join(', ')}`);
  }
  return found;
}

/** The definition without the names that the file gave, so that equal ones of two files share columns. */
function draftKey({ chosen, candidates, settings, source, timeframe }: DraftParts): string {
  const shown = [...settings].map(([name, setting]) =>
    'value' in setting ? `${name}=${String(setting.value)}` : `${name}=$${setting.from.name}`,
  );
  const type = 'value' in chosen ? present(candidates[0], 'an indicator').name : `$${chosen.from.name}`;
  return `${type}{${shown.join(',')}}(${source?.key ?? 'close'})${timeframe ?? ''}`;
}
