import { expect, test } from 'bun:test';
import { operationSchema, type Operation } from '#agent/contract/operation';
import { capturedShell } from '#test/support/captured-shell';
import { showOperations } from './operation-table';
import { createOutput } from './output';
import { widthOf } from './text';

function operation(changes: Partial<Operation> = {}): Operation {
  return operationSchema.parse({
    operation_id: 'op_backtesting_20260131_235959_1a2b3c4d',
    operation_type: 'backtesting',
    status: 'running',
    priority: 3,
    progress: { percentage: 42.7 },
    metadata: { strategy_name: 'sma_cross', symbol: 'SPX', timeframe: '1d' },
    created_at: '2026-01-31T23:59:59Z',
    started_at: null,
    completed_at: null,
    cancel_requested_at: null,
    error_message: null,
    error: null,
    warnings: [],
    result_summary: null,
    parent_operation_id: null,
    worker_id: null,
    worker_name: 'vm-4e2235ac',
    epoch: 1,
    attempts_failed: 0,
    attempts_lost: 0,
    provenance: null,
    waiting_reason: null,
    ...changes,
  });
}

const NOW_MS = Date.parse('2026-02-01T00:20:00Z');
const waiting = operation({ status: 'pending', waiting_reason: 'all are busy' });

function shown(columns: number | undefined, operations: Operation[]): string[] {
  const shell = capturedShell(columns === undefined ? {} : { columns });
  showOperations(createOutput(shell, false), operations, NOW_MS);
  return shell.out.trimEnd().split('\n');
}

test.each([60, 80, 120])('at %p columns the id is whole and nothing is too long', (columns) => {
  const lines = shown(columns, [operation(), waiting]);
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  expect(lines[1]).toStartWith('op_backtesting_20260131_235959_1a2b3c4d  running');
  if (columns >= 80) expect(lines[1]).toContain('running 42 %');
});

test('at 80 columns what it is about is whole, too', () => {
  expect(shown(80, [operation()])[1]).toContain('sma_cross SPX 1d');
});

test('what waits says why, beside it or below, and once for all that wait for the same', () => {
  expect(shown(undefined, [waiting])[1]).toEndWith('all are busy');
  expect(shown(80, [operation(), waiting]).at(-1)).toBe(
    '  op_backtesting_20260131_235959_1a2b3c4d pending: all are busy',
  );
  expect(shown(80, [waiting, waiting]).at(-1)).toBe('  2 operations pending: all are busy');
});

test('what is complete has no share of it', () => {
  const { progress } = operation();
  const done = operation({ status: 'completed', progress: { ...progress, percentage: 100 } });
  expect(shown(80, [done])[1]).not.toContain('%');
});
