import { expect, test } from 'bun:test';
import { registration } from '#test/support/store-fleet';
import { verdict, type Signals } from './verdict';

const times = { heartbeatMs: 5000, leaseMs: 30_000 };
const healthy: Signals = {
  heartbeatAgeMs: 2000,
  stoppedAgeMs: null,
  drainingReason: null,
  drainingAgeMs: null,
  capabilities: registration('0'.repeat(32), 'node', 1).capabilities,
};
const broken = { ...healthy.capabilities, disk: { state: 'failed' as const, error: 'statfs: EIO' } };
const lostGpu = {
  ...healthy.capabilities,
  nvidia: {
    state: 'failed' as const,
    error: 'the kernel runs 550.54.15, the library is 535.161.07. Reboot.',
  },
};

const alive = { status: 'alive', udp: 'ok', since_ms: 600_000, namesake: null } as const;

const cases: [string, Partial<Signals>, string, string][] = [
  ['a fresh heartbeat', {}, 'ready', 'heartbeat 2 s ago'],
  [
    'a late heartbeat',
    { heartbeatAgeMs: 14_000 },
    'degraded',
    'heartbeat is late: the last one came 14 s ago',
  ],
  ['no heartbeat for a lease', { heartbeatAgeMs: 31_000 }, 'lost', 'no heartbeat for 31 s'],
  ['none for long', { heartbeatAgeMs: 3 * 3_600_000 }, 'lost', 'no heartbeat for 3 h'],
  ['a goodbye', { stoppedAgeMs: 60_000, heartbeatAgeMs: 61_000 }, 'stopped', 'stopped on purpose 60 s ago'],
  ['a drain', { drainingReason: 'new disk', drainingAgeMs: 300_000 }, 'draining', 'new disk, for 5 min'],
  ['an old drain', { drainingReason: 'new disk' }, 'draining', 'new disk'],
  [
    'a drain and no heartbeat',
    { drainingReason: 'new disk', drainingAgeMs: 60_000, heartbeatAgeMs: 31_000 },
    'lost',
    'no heartbeat for 31 s; draining: new disk, for 60 s',
  ],
  [
    'a drain and a goodbye',
    { drainingReason: 'new disk', drainingAgeMs: 60_000, stoppedAgeMs: 9000 },
    'stopped',
    'stopped on purpose 9 s ago; draining: new disk, for 60 s',
  ],
  ['a failed probe', { capabilities: broken }, 'degraded', 'probe disk failed: statfs: EIO'],
  [
    'a failed probe that says what helps',
    { capabilities: lostGpu },
    'degraded',
    'probe nvidia failed: the kernel runs 550.54.15, the library is 535.161.07',
  ],
  ['gossip too', { gossip: alive }, 'ready', 'heartbeat 2 s ago'],
  [
    'UDP blocked',
    { gossip: { ...alive, udp: 'degraded' } },
    'ready',
    'heartbeat 2 s ago; gossip: udp degraded, TCP only',
  ],
  [
    'gossip blocked',
    { gossip: { ...alive, status: 'failed', since_ms: 90_000 } },
    'ready',
    'heartbeat 2 s ago; gossip does not hear it (for 90 s)',
  ],
  [
    'a late heartbeat and gossip',
    { heartbeatAgeMs: 14_000, gossip: alive },
    'degraded',
    'heartbeat is late: the last one came 14 s ago; gossip hears it',
  ],
  [
    'its heartbeats blocked',
    { heartbeatAgeMs: 31_000, gossip: alive },
    'cut-off',
    'no heartbeat for 31 s, but gossip hears it (for 10 min): its way to this control plane is closed',
  ],
  [
    'its heartbeats blocked and doubts',
    { heartbeatAgeMs: 31_000, gossip: { ...alive, status: 'suspect', since_ms: 2_000 } },
    'cut-off',
    'no heartbeat for 31 s, but gossip doubts it (for 2 s): its way to this control plane is closed',
  ],
  [
    'neither signal',
    { heartbeatAgeMs: 40_000, gossip: { ...alive, status: 'failed', since_ms: 33_000 } },
    'lost',
    'no heartbeat for 40 s, and gossip does not hear it (for 33 s)',
  ],
  [
    'a sleep behind it',
    {
      load: {
        load1: 0,
        memoryAvailableBytes: 0,
        disturbance: { kind: 'slept', byMs: 7_200_000, agoMs: 38_000 },
      },
    },
    'ready',
    'heartbeat 2 s ago; woke up 40 s ago after 2 h of sleep',
  ],
  [
    'a clock that was set',
    {
      load: {
        load1: 0,
        memoryAvailableBytes: 0,
        disturbance: { kind: 'clock-set', byMs: -3_600_000, agoMs: 0 },
      },
    },
    'ready',
    'heartbeat 2 s ago; its clock was set back by 60 min, 2 s ago',
  ],
  [
    'a copy',
    { gossip: { ...alive, namesake: '10.0.0.9:7946' } },
    'quarantined',
    'another machine goes by its name, at 10.0.0.9:7946: a copy of it?',
  ],
];

for (const [name, signals, state, cause] of cases) {
  test(`verdict() of a node with ${name} is ${state}`, () => {
    expect(verdict({ ...healthy, ...signals }, times)).toEqual({ state: state as 'ready', cause });
  });
}
