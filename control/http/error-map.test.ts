import { expect, test } from 'bun:test';
import { z } from 'zod';
import { problemSchema } from '#agent/contract/problem';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { invalidInput, problemResponse } from './error-map';

const where = { path: '/api/v1/operations', log: silentLog };

test('problemResponse() gives the fields of a fault as problem details', async () => {
  const fault = new Fault('no_workers', 'Cannot run sweep: no workers available', {
    hint: 'start one',
    details: { refusals: [] },
  });
  const response = problemResponse(fault, where);
  expect(response.status).toBe(503);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('retry-after')).toBe('1');
  expect(problemSchema.parse(await response.json())).toMatchObject({
    code: 'no_workers',
    detail: 'Cannot run sweep: no workers available',
    hint: 'start one',
    retryable: true,
    success: false,
    instance: '/api/v1/operations',
  });
});

test('problemResponse() says nothing of the inside of a bug', async () => {
  const response = problemResponse(new Error('secret of the inside'), where);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret');
});

test('invalidInput() names the first wrong field and lists all', () => {
  const parsed = z.object({ a: z.number(), b: z.string() }).safeParse({ a: 'x', b: 1 });
  const fault = invalidInput('the body', parsed.error ?? new z.ZodError([]));
  expect(fault.message).toStartWith('Cannot read the body: a: ');
  expect(fault.details?.['problems']).toHaveLength(2);
});
