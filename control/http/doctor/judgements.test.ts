import { describe, expect, test } from 'bun:test';
import type { PlacementNode } from '#control/schedule/placement';
import type { OperationRow } from '#control/store/operations';
import { judgeAgents, type JudgedAgent } from './agents';
import { judgeDatabase } from './database';
import { judgeSchema } from './schema';
import { judgeWork } from './work';

function agent(name: string, state: JudgedAgent['judged']['state'], version = '1.0.0'): JudgedAgent {
  return {
    row: { name, endpointUrl: `http://${name}:5003`, version, leases: [] },
    judged: { state, cause: `${name} is ${state}` },
  };
}

test.each([
  ['no agent', [], 'warn', 'no agent is registered'],
  ['all is well', [agent('a', 'ready'), agent('b', 'stopped')], 'ok', '1 of 2 agents take work'],
  ['one is lost', [agent('a', 'ready'), agent('b', 'lost')], 'warn', 'b is lost: b is lost'],
  ['none is left', [agent('a', 'stopped'), agent('b', 'draining')], 'bad', 'none of 2 agents takes work'],
  ['one is older', [agent('a', 'ready', '0.9.0')], 'warn', 'a runs version 0.9.0, the control plane 1.0.0'],
] as const)('judgeAgents(): %s', (_name, agents, state, summary) => {
  const finding = judgeAgents([...agents], '1.0.0');
  expect(finding.state).toBe(state);
  expect(finding.summary).toStartWith(summary);
  expect(finding.fix === null).toBe(state === 'ok');
});

describe('judgeDatabase()', () => {
  const facts = {
    version: '18.4',
    nowMs: 0,
    readOnly: false,
    databaseBytes: 8 * 2 ** 20,
    connections: 10,
    connectionsMax: 100,
    fsync: 'on',
    fullPageWrites: 'on',
  };
  const contact = { kind: 'external', roundTripMs: 2, aheadMs: 0 } as const;

  test.each([
    ['fine', {}, {}, 'ok', 'PostgreSQL 18.4 (external), 8 MiB, answers in 2 ms'],
    ['a standby', { readOnly: true }, {}, 'bad', 'it is a standby or read-only'],
    ['without fsync', { fsync: 'off' }, {}, 'bad', 'may lose everything at a power cut'],
    ['nearly no connections left', { connections: 81 }, {}, 'warn', '81 of 100 connections in use'],
    ['another clock', {}, { aheadMs: -3000 }, 'warn', 'its clock is 3.0 s behind that of the control plane'],
    ['a slow way proves no other clock', {}, { aheadMs: -900, roundTripMs: 200 }, 'ok', 'answers in 200 ms'],
    ['slow', {}, { roundTripMs: 900 }, 'warn', 'took 900 ms to answer'],
  ] as const)('%s', (...row) => {
    const [, changedFacts, changedContact, state, summary] = row;
    const finding = judgeDatabase({ ...facts, ...changedFacts }, { ...contact, ...changedContact });
    expect(finding.state).toBe(state);
    expect(finding.summary).toContain(summary);
  });
});

describe('judgeWork()', () => {
  const needs = { cores: 1, memoryBytes: 0, gpu: 'none' } as unknown as OperationRow['needs'];
  const operation = (changes: Partial<OperationRow> = {}): OperationRow =>
    ({
      operationId: 'op_1',
      needs,
      notBeforeInMs: 0,
      createdAt: '2026-01-01T00:00:00.000Z',
      ...changes,
    }) as OperationRow;
  const node = (changes: Partial<PlacementNode> = {}): PlacementNode => ({
    nodeId: '1',
    name: 'a',
    verdict: { state: 'ready', cause: '' },
    slots: 1,
    freeSlots: 1,
    capabilities: {
      cpu: { state: 'present', value: { usableCores: 4 } },
      memory: { state: 'present', value: { usableBytes: 2 ** 30 } },
    } as unknown as PlacementNode['capabilities'],
    ...changes,
  });
  const soonMs = Date.parse('2026-01-01T00:00:01.000Z');

  test.each([
    ['nothing', [], [node()], soonMs, 'ok', 'nothing waits'],
    ['free agents', [operation()], [node()], soonMs, 'ok', '1 wait: an agent takes it at its next poll'],
    [
      'busy agents',
      [operation()],
      [node({ freeSlots: 0 })],
      soonMs,
      'ok',
      '1 wait: all 1 agents that could take it are busy',
    ],
    [
      'nobody takes it',
      [operation()],
      [node()],
      soonMs + 90_000,
      'warn',
      'op_1 waits: an agent could take it, but none has',
    ],
    ['no agents', [operation()], [], soonMs, 'warn', 'op_1 waits: no agent is registered'],
    ['no slots', [operation()], [node({ slots: 0 })], soonMs, 'warn', 'op_1 waits: a: it has no slots'],
    [
      'a retry',
      [operation({ notBeforeInMs: 4_200 })],
      [node()],
      soonMs,
      'ok',
      '1 wait: tried again in 5 s after an error',
    ],
  ] as const)('%s', (...row) => {
    const [, rows, nodes, nowMs, state, summary] = row;
    const finding = judgeWork([...rows], { total: rows.length, nodes: [...nodes], nowMs });
    expect(finding.state).toBe(state);
    expect(finding.summary).toStartWith(summary);
    expect(finding.fix === null).toBe(state === 'ok');
  });
});

describe('judgeSchema()', () => {
  const reading = {
    applied: [{ number: 1, name: '0001-fleet', appliedBy: '1.0.0' }],
    changed: [],
    pending: [],
    newer: null,
    drifts: [],
  };
  const drift = { sentence: 'index x is missing', severity: 'broken', sql: 'CREATE INDEX x;' } as const;
  const extra = { sentence: 'column node.y is not of ours', severity: 'added', sql: 'DROP Y;' } as const;

  test.each([
    ['fine', {}, 'ok', 'schema 0001-fleet, as the migrations make it', null],
    [
      'changed',
      { changed: ['0001-fleet'] },
      'bad',
      'migration 0001-fleet of the database is not',
      'restore a backup',
    ],
    [
      'newer',
      { newer: { name: '0009-x', appliedBy: '2.0.0' } },
      'warn',
      'the schema is newer (0009-x)',
      'install ktrdr-agent 2.0.0',
    ],
    [
      'pending',
      { pending: ['0002-x'] },
      'bad',
      'migrations were not applied: 0002-x',
      'restart the control plane',
    ],
    [
      'drift',
      { drifts: [extra, drift] },
      'bad',
      'index x is missing, and 1 more',
      'run this SQL in the database: CREATE INDEX x;',
    ],
    [
      'additions',
      { drifts: [extra] },
      'warn',
      'column node.y is not of ours',
      'if nobody needs it, run this SQL in the database: DROP Y;',
    ],
    ['no statement', { drifts: [{ ...drift, sql: null }] }, 'bad', 'index x is missing', 'restore a backup'],
  ] as const)('%s', (...row) => {
    const [, changes, state, summary, fix] = row;
    const finding = judgeSchema(
      { ...reading, ...structuredClone(changes) } as Parameters<typeof judgeSchema>[0],
      '1.0.0',
    );
    expect(finding.state).toBe(state);
    expect(finding.summary).toStartWith(summary);
    if (fix === null) expect(finding.fix).toBeNull();
    else expect(finding.fix).toStartWith(fix);
  });
});
