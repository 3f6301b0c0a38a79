import { z } from 'zod';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { ParameterValue, ParameterValues, Strategy } from './strategy';

/** What has parameters: a strategy or an indicator. */
export type Parameterized = Pick<Strategy, 'name' | 'parameters' | 'constraint'>;

/** One parameter as help, forms and errors show it; read from its owner's schema. */
export interface ParameterDescription {
  name: string;
  type: 'integer' | 'number' | 'boolean' | 'string';
  description: string;
  minimum?: number;
  maximum?: number;
  /** The allowed words of a string. */
  values?: readonly string[];
  /** Absent when the parameter is optional. */
  default?: ParameterValue;
}

/**
 * Validates parameters of foreign origin and fills the defaults in, in the order of the schema.
 * Throws Fault `invalid`, naming the key, what it may be and, for an unknown key, the nearest one.
 */
export function parseParameters(owner: Parameterized, input: unknown): ParameterValues {
  const parsed = owner.parameters.safeParse(input);
  if (!parsed.success) throw parametersFault(owner, input, parsed.error.issues);
  const values = parsed.data as ParameterValues;
  const { constraint } = owner;
  if (constraint !== undefined && !constraint.holds(values)) {
    const names = Object.keys(values).filter((name) =>
      new RegExp(`\\b${name}\\b`).test(constraint.description),
    );
    const got = names.map((name) => `${name} = ${String(values[name])}`).join(', ');
    throw new Fault(
      'invalid',
      `Cannot use parameters of ${owner.name}: ${constraint.description} must hold, got ${got}`,
      {
        hint: `change ${names.join(' or ')} so that ${constraint.description}`,
        details: { parameters: names },
      },
    );
  }
  return values;
}

/** All parameters of a strategy or an indicator in the order of its schema. */
export function describeParameters(owner: Parameterized): ParameterDescription[] {
  const properties = jsonSchema.parse(z.toJSONSchema(owner.parameters, { io: 'input' })).properties;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: property.type,
    description: property.description ?? '',
    ...(property.minimum === undefined ? {} : { minimum: property.minimum }),
    ...(property.maximum === undefined ? {} : { maximum: property.maximum }),
    ...(property.enum === undefined ? {} : { values: property.enum }),
    ...(property.default === undefined ? {} : { default: property.default }),
  }));
}

/** The part of a JSON schema that a flat object of scalars can have. */
const jsonSchema = z.object({
  properties: z.record(
    z.string(),
    z.object({
      type: z.enum(['integer', 'number', 'boolean', 'string']),
      description: z.string().optional(),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
      enum: z.array(z.string()).optional(),
      default: z.union([z.number(), z.string(), z.boolean()]).optional(),
    }),
  ),
});

function parametersFault(owner: Parameterized, input: unknown, issues: readonly z.core.$ZodIssue[]): Fault {
  const descriptions = describeParameters(owner);
  const problems = issues.flatMap((issue) => describeIssue(issue, { input, descriptions }));
  const names = descriptions.map((description) => description.name);
  const first = problems[0] ?? { message: 'they are not valid', hint: undefined };
  return new Fault('invalid', `Cannot use parameters of ${owner.name}: ${first.message}`, {
    hint: first.hint ?? `${owner.name} takes ${names.join(', ')}`,
    details: { problems: problems.map((problem) => problem.message) },
  });
}

interface Problem {
  message: string;
  hint: string | undefined;
}

interface IssueContext {
  input: unknown;
  descriptions: readonly ParameterDescription[];
}

function describeIssue(issue: z.core.$ZodIssue, context: IssueContext): Problem[] {
  const names = context.descriptions.map((description) => description.name);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const suggestion = nearest(key, names);
      const known = `it takes ${names.join(', ')}`;
      return {
        message: `there is no parameter '${key.slice(0, 100)}'`,
        hint: suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
      };
    });
  }
  const name = String(issue.path[0] ?? '');
  const description = context.descriptions.find((candidate) => candidate.name === name);
  if (description === undefined) {
    return [{ message: `they must be an object, got ${show(context.input)}`, hint: undefined }];
  }
  const got = show((context.input as Record<string, unknown>)[name]);
  return [{ message: `${name} must be ${describeDomain(description)}, got ${got}`, hint: undefined }];
}

/** "a whole number from 1 to 10000", "one of sma, ema, wma". */
export function describeDomain(description: ParameterDescription): string {
  const { type, minimum, maximum, values } = description;
  if (values !== undefined) return `one of ${values.join(', ')}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string') return 'a word';
  const noun = type === 'integer' ? 'a whole number' : 'a number';
  if (minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${noun} of at least ${minimum}`;
  return maximum === undefined ? noun : `${noun} of at most ${maximum}`;
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
