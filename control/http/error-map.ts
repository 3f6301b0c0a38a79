import type { z } from 'zod';
import type { Problem } from '#agent/contract/problem';
import { AssertionError } from '#agent/kit/assert';
import { describeError, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

/** Any error as problem+json. Faults say what they are; anything else is our bug, logged with its stack. */
export function problemResponse(error: unknown, context: { path: string; log: Log }): Response {
  const fault = error instanceof Fault ? error : internal(error, context);
  const problem: Problem = {
    type: `urn:ktrdr-agent:problem:${fault.code}`,
    title: fault.code.replaceAll('_', ' '),
    status: fault.status,
    detail: fault.message,
    code: fault.code,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    retryable: fault.retryable,
    ...(fault.details === undefined ? {} : { details: { ...fault.details } }),
    instance: context.path,
    success: false,
  };
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  if (fault.status === 503 || fault.status === 429) headers.set('retry-after', '1');
  if (fault.status === 401) headers.set('www-authenticate', 'Bearer');
  return new Response(JSON.stringify(problem), { status: fault.status, headers });
}

/** A Fault `invalid` that names the first wrong field and lists all of them. */
export function invalidInput(what: string, error: z.ZodError): Fault {
  const problems = error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  return new Fault('invalid', `Cannot read ${what}: ${problems[0] ?? 'it is not valid'}`, {
    hint: 'the fields are described at /docs',
    details: { problems: problems.slice(0, 20) },
  });
}

function internal(error: unknown, context: { path: string; log: Log }): Fault {
  const stack = error instanceof Error ? error.stack : undefined;
  context.log.error('request failed', { path: context.path, error: describeError(error), stack });
  const what = error instanceof AssertionError ? 'a bug' : 'an unexpected error';
  return new Fault('internal', `Cannot answer this request: ${what} in the control plane`, {
    hint: 'its log has the details',
  });
}
