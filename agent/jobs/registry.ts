import type { JobKind } from '#agent/contract/kind';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { z } from 'zod';
import { backtestingKind } from './backtesting/kind';
import { sweepKind } from './sweep/kind';

/** Every job kind, alphabetical. The code that runs them is in runs.ts: only workloads load it. */
export const JOB_KINDS: readonly JobKind[] = [backtestingKind, sweepKind];

/** Throws Fault `invalid` with the nearest known name. */
export function jobKindNamed(name: string): JobKind {
  const found = JOB_KINDS.find((kind) => kind.name === name);
  if (found !== undefined) return found;
  const names = JOB_KINDS.map((kind) => kind.name);
  const suggestion = nearest(name, names);
  throw new Fault('invalid', `Cannot find job kind '${name.slice(0, 100)}': there is none of that name`, {
    hint: suggestion === undefined ? `known kinds: ${names.join(', ')}` : `did you mean '${suggestion}'?`,
  });
}

/**
 * Parameters as they are stored and hashed: validated, with every default filled in. Throws Fault
 * `invalid` whose message names the field, and whose details list all problems.
 */
export function parseJobParameters(kind: JobKind, input: unknown): Record<string, unknown> {
  const parsed = kind.parameters.safeParse(input);
  if (!parsed.success) throw parametersFault(kind, parsed.error.issues);
  return kind.normalize?.(parsed.data) ?? parsed.data;
}

function parametersFault(kind: JobKind, issues: readonly z.core.$ZodIssue[]): Fault {
  const problems = issues.flatMap(describeIssue);
  const unknownKey = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))[0];
  const suggestion = unknownKey === undefined ? undefined : nearest(unknownKey, fieldNames(kind));
  const message = `Cannot read the parameters of ${kind.name}: ${problems[0] ?? 'they are not valid'}`;
  return new Fault('invalid', message, {
    hint:
      suggestion === undefined
        ? `${kind.name} takes ${fieldNames(kind).join(', ')}`
        : `did you mean '${suggestion}'?`,
    details: { problems: problems.slice(0, 20) },
  });
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `there is no field '${key.slice(0, 100)}'`);
  }
  const path = issue.path.map(String).join('.');
  return [path === '' ? issue.message : `${path}: ${issue.message}`];
}

function fieldNames(kind: JobKind): string[] {
  const { parameters } = kind;
  if (!('shape' in parameters) || typeof parameters.shape !== 'object' || parameters.shape === null)
    return [];
  return Object.keys(parameters.shape);
}
