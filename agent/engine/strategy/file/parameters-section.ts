import { z } from 'zod';
import type { GridAxis } from '#agent/engine/search/specification';
import type { ParameterDomain, ParameterSlot } from '#agent/engine/strategy/expression/bound';
import type { ParameterValue } from '#agent/engine/strategy/strategy';
import { isSeq } from 'yaml';
import { readFields, readItems, readKnownFields, readNumber, readScalar, readText } from './document';
import type { Document, Field } from './document';
import { isUsableName } from './names';

/** A parameter as the file declares it; what it must be follows from where it is used. */
export interface ParameterDraft extends ParameterSlot {
  readonly name: string;
  readonly default: ParameterValue;
  /** The words that it may be. */
  readonly words: readonly string[];
  /** Whether the default is what all uses so far allow; reports it, once, where it is not. */
  fits(): boolean;
  /** Reports what its uses do not allow, once everything has been read. */
  finish(): FinishedParameter;
}

export interface FinishedParameter {
  readonly schema: z.ZodType<ParameterValue>;
  /** What a sweep tries, where the file says so. */
  readonly axis: GridAxis | undefined;
}

const KEYS = ['default', 'min', 'max', 'range', 'values', 'description'];
const PARAMETERS_MAX = 32;
const WORDS_MAX = 100;

export function readParameters(document: Document, section: Field | undefined): Map<string, ParameterDraft> {
  const drafts = new Map<string, ParameterDraft>();
  if (section === undefined) return drafts;
  const fields = readFields(document, section.value, 'parameters');
  if (fields.size > PARAMETERS_MAX) {
    document.problems.report(
      section.offset,
      `there are ${fields.size} parameters, the limit is ${PARAMETERS_MAX}`,
    );
    return drafts;
  }
  for (const field of fields.values()) {
    if (!isUsableName(document, field, 'parameter')) continue;
    const draft = readParameter(document, field);
    if (draft !== undefined) drafts.set(field.key, draft);
  }
  // A name that fails because its own definition did would be reported again at each of its uses.
  if (drafts.size < fields.size) document.problems.throwIfAny();
  return drafts;
}

interface Declared {
  default: Field;
  minimum: Bound | undefined;
  maximum: Bound | undefined;
  axis: { field: Field; axis: GridAxis } | undefined;
  words: readonly string[];
  description: string;
}

interface Bound {
  field: Field;
  value: number;
}

function readParameter(document: Document, field: Field): ParameterDraft | undefined {
  const what = `parameter ${field.key}`;
  const fields = readKnownFields(document, { value: field.value, what }, KEYS);
  const start = fields.get('default');
  if (start === undefined) {
    document.problems.report(field.offset, `${what} has no default`, `write ${field.key}: {default: 20}`);
    return undefined;
  }
  const value = readScalar(document, start);
  if (value === undefined) return undefined;
  const limit = (key: 'min' | 'max'): Bound | undefined => {
    const found = fields.get(key);
    const read = found === undefined ? undefined : readNumber(document, found);
    return found === undefined || read === undefined ? undefined : { field: found, value: read };
  };
  const description = fields.get('description');
  const declared: Declared = {
    default: start,
    minimum: limit('min'),
    maximum: limit('max'),
    axis: readAxis(document, fields.get('range')),
    words: readWords(document, fields.get('values')),
    description: (description && readText(document, description, 200)) ?? '',
  };
  for (const key of ['min', 'max', 'range', 'values'] as const) {
    const misplaced = fields.get(key);
    if (misplaced === undefined || (key === 'values') === (typeof value === 'string')) continue;
    document.problems.report(
      misplaced.offset,
      `${what} has a default that is a ${typeof value}: it takes no '${key}'`,
      key === 'values' ? 'values are for words; numbers have min, max and range' : undefined,
    );
  }
  return createDraft(document, field, { value, declared });
}

function createDraft(
  document: Document,
  field: Field,
  { value, declared }: { value: ParameterValue; declared: Declared },
): ParameterDraft {
  let used = false;
  const domain = {
    whole: false,
    minimum: declared.minimum?.value ?? -Infinity,
    maximum: declared.maximum?.value ?? Infinity,
  };
  let isReported = false;
  const fits = (): boolean => {
    if (typeof value !== 'number' || allows(domain, value)) return true;
    const at = declared.default.value?.range[0] ?? declared.default.offset;
    const message = `parameter '${field.key}' must be ${describe(domain)}, its default is ${value}`;
    if (!isReported) document.problems.report(at, message);
    isReported = true;
    return false;
  };
  return {
    name: field.key,
    fits,
    type: typeof value as ParameterSlot['type'],
    default: value,
    words: declared.words,
    use(wanted?: ParameterDomain) {
      used = true;
      if (wanted === undefined) return;
      domain.whole ||= wanted.whole;
      domain.minimum = Math.max(domain.minimum, wanted.minimum ?? -Infinity);
      domain.maximum = Math.min(domain.maximum, wanted.maximum ?? Infinity);
    },
    finish() {
      if (!used) {
        document.problems.report(
          field.offset,
          `parameter '${field.key}' is used nowhere`,
          `use it as ${field.key} in an expression or as $${field.key} in an indicator, or remove it`,
        );
      }
      fits();
      if (typeof value === 'number') {
        const finished = finishNumber(document, field.key, { declared, domain });
        return { ...finished, schema: finished.schema.default(value) };
      }
      if (typeof value === 'boolean') {
        return { schema: z.boolean().default(value).describe(declared.description), axis: undefined };
      }
      return finishWord(document, field.key, { value, declared });
    },
  };
}

interface NumberDraft {
  declared: Declared;
  domain: Required<ParameterDomain> & { minimum: number; maximum: number };
}

function allows({ whole, minimum, maximum }: NumberDraft['domain'], value: number): boolean {
  return value >= minimum && value <= maximum && (!whole || Number.isInteger(value));
}

function finishNumber(document: Document, name: string, draft: NumberDraft): FinishedParameter {
  const { declared, domain } = draft;
  const { axis, field } = declared.axis ?? {};
  const outside = axis && probes(axis).find((value) => !allows(domain, value));
  if (field !== undefined && outside !== undefined) {
    const message = `parameter '${name}' must be ${describe(domain)}, its range has ${outside}`;
    document.problems.report(field.value?.range[0] ?? field.offset, message);
  }
  let schema = domain.whole ? z.int() : z.number();
  if (domain.minimum > -Infinity) schema = schema.min(domain.minimum);
  if (domain.maximum < Infinity) schema = schema.max(domain.maximum);
  return { schema: schema.describe(declared.description), axis };
}

/** Both ends and one step decide for a whole range: limits are intervals, and wholeness is a lattice. */
function probes(axis: GridAxis): number[] {
  if (typeof axis !== 'object') return [];
  if ('values' in axis) return axis.values.filter((value) => typeof value === 'number');
  return axis.from + axis.step > axis.to ? [axis.from] : [axis.from, axis.from + axis.step, axis.to];
}

function describe({ whole, minimum, maximum }: NumberDraft['domain']): string {
  const noun = whole ? 'a whole number' : 'a number';
  if (minimum === -Infinity) return maximum === Infinity ? noun : `${noun} of at most ${maximum}`;
  return maximum === Infinity ? `${noun} of at least ${minimum}` : `${noun} from ${minimum} to ${maximum}`;
}

function finishWord(
  document: Document,
  name: string,
  { value, declared }: { value: string; declared: Declared },
): FinishedParameter {
  const { words, description } = declared;
  if (!words.includes(value)) {
    const hint =
      words.length === 0 ? `add values: [${value}, …], the words it may be` : `values: ${words.join(', ')}`;
    const at = declared.default.value?.range[0] ?? declared.default.offset;
    document.problems.report(
      at,
      `the default of parameter '${name}', '${value}', is none of its values`,
      hint,
    );
  }
  return {
    schema: z
      .enum([value, ...words])
      .default(value)
      .describe(description),
    axis: undefined,
  };
}

function readAxis(document: Document, field: Field | undefined): Declared['axis'] {
  if (field === undefined) return undefined;
  if (isSeq(field.value)) {
    const values = readItems(document, field).map((item) =>
      readNumber(document, { key: 'an item of range', offset: item?.range[0] ?? field.offset, value: item }),
    );
    const numbers = values.filter((value) => value !== undefined);
    if (new Set(numbers).size === numbers.length && numbers.length > 0)
      return { field, axis: { values: numbers } };
    document.problems.report(field.offset, 'range must list each of its values once');
    return undefined;
  }
  const fields = readKnownFields(document, { value: field.value, what: 'range' }, ['from', 'to', 'step']);
  if (fields.size === 0) return undefined;
  const read = (key: string): number | undefined => {
    const found = fields.get(key);
    if (found !== undefined) return readNumber(document, found);
    document.problems.report(
      field.offset,
      `range has no '${key}'`,
      'write range: {from: 5, to: 60, step: 5}',
    );
    return undefined;
  };
  const [from, to, step] = [read('from'), read('to'), read('step')];
  if (from === undefined || to === undefined || step === undefined) return undefined;
  if (step > 0 && from <= to) return { field, axis: { from, to, step } };
  document.problems.report(
    field.offset,
    step > 0 ? `range ends at ${to}, before ${from}` : `the step of range must be above 0, got ${step}`,
  );
  return undefined;
}

function readWords(document: Document, field: Field | undefined): string[] {
  if (field === undefined) return [];
  const words = readItems(document, field)
    .slice(0, WORDS_MAX)
    .map((item) => {
      const value = { key: 'an item of values', offset: item?.range[0] ?? field.offset, value: item };
      return readText(document, value, 100);
    });
  return words.filter((word) => word !== undefined);
}
