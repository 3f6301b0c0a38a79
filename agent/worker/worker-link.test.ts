import { describe, expect, test } from 'bun:test';
import { createClient } from '#agent/client/client';
import type { JobSpec } from '#agent/contract/job';
import type { AttemptKey, Grant } from '#agent/contract/lease';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog, type Log } from '#agent/kit/log';
import { createMetrics } from '#agent/kit/metrics';
import { systemRng } from '#agent/kit/rng';
import { ControlPeer, PEER_LEASE_MS, PEER_TOKEN, problem } from '#test/support/control-peer';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { attemptName } from './attempt-files';
import { controlApi } from './control-client';
import { httpDelivery } from './http-delivery';
import { openIdentity } from './identity';
import { Reachability } from './reachability';
import { WorkerLink } from './worker-link';
import { workerMetrics } from './worker-metrics';

/** Attempts as a ledger: what the link asked for, without processes. */
class Ledger {
  readonly started: { job: Omit<JobSpec, 'attempt_dir'>; deadlineBootMs: number }[] = [];
  readonly renewals: { key: AttemptKey; deadlineBootMs: number }[] = [];
  readonly cancels: { key: AttemptKey; outcome: string }[] = [];
  readonly running = new Map<string, AttemptKey>();
  readonly slots: number;

  constructor(slots: number) {
    this.slots = slots;
  }

  held(): AttemptKey[] {
    return [...this.running.values()];
  }

  freeSlots(): number {
    return this.slots - this.running.size;
  }

  start(job: Omit<JobSpec, 'attempt_dir'>, deadlineBootMs: number): Promise<void> {
    this.started.push({ job, deadlineBootMs });
    this.running.set(attemptName(job.grant), job.grant);
    return Promise.resolve();
  }

  renewed(key: AttemptKey, deadlineBootMs: number): void {
    this.renewals.push({ key, deadlineBootMs });
  }

  cancel(key: AttemptKey, outcome: 'cancelled' | 'released'): void {
    this.cancels.push({ key, outcome });
    this.running.delete(attemptName(key));
  }
}

interface Setup extends AsyncDisposable {
  peer: ControlPeer;
  ledger: Ledger;
  link: WorkerLink;
  endpoint: { url: string };
  reachability: Reachability;
  warnings: string[];
}

interface SetupOptions {
  slots?: number;
  token?: string;
  prepare?: (peer: ControlPeer) => void;
  fetchBars?: (dataHash: string, signal: AbortSignal) => Promise<string>;
}

async function setUp(options: SetupOptions = {}): Promise<Setup> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir());
  const peer = stack.use(new ControlPeer());
  options.prepare?.(peer);
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const identity = openIdentity({
    stateDir: folder.path,
    hostname: 'test',
    machineId: null,
    nowMs: 0,
    log: silentLog,
  });
  const slots = options.slots ?? 1;
  const ledger = new Ledger(slots);
  const parts = { clock: systemClock, rng: systemRng, log };
  const api = controlApi(createClient({ url: peer.url, token: options.token ?? PEER_TOKEN }));
  const reachability = new Reachability({ url: () => peer.url, tokenFile: '/state/token', ...parts });
  const metrics = workerMetrics(createMetrics(), {
    slots: () => slots,
    freeSlots: () => ledger.freeSlots(),
    active: () => ledger.running.size,
    reachable: () => reachability.reason === null,
  });
  const failed = { state: 'failed', error: 'not looked at' } as const;
  const endpoint = { url: 'http://127.0.0.1:5003', refresh: () => Promise.resolve() };
  const link = WorkerLink.start({
    ...parts,
    api,
    identity,
    label: null,
    endpoint,
    slots: () => slots,
    attempts: ledger,
    delivery: httpDelivery({ ...parts, api, workerId: identity.workerId, metrics }),
    fetchBars: options.fetchBars ?? (() => Promise.resolve('/cache/bars/x.arrow')),
    capabilities: () => ({ cpu: failed, disk: failed, memory: failed }),
    load: () => Promise.resolve({ load1: null, memoryAvailableBytes: null }),
    heartbeatMs: undefined,
    reachability,
    metrics,
  });
  stack.use(link);
  const owned = stack.move();
  return {
    peer,
    ledger,
    link,
    endpoint,
    reachability,
    warnings,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

let operations = 0;
function grantOf(changes: Partial<Grant> = {}): Grant {
  operations += 1;
  return {
    operation_id: `op_backtesting_20260131_235959_${operations.toString(16).padStart(8, '0')}`,
    epoch: 1,
    kind: 'backtesting',
    parent_operation_id: null,
    parameters: {},
    parameters_sha256: '0'.repeat(64),
    bars: null,
    units: null,
    timeout_ms: 60_000,
    lease_ms: PEER_LEASE_MS,
    ...changes,
  };
}

const BARS = { symbol: 'AAPL', timeframe: '1d', data_hash: 'a'.repeat(64), bar_count: 3 };

describe('WorkerLink', () => {
  test('registers, starts what it is granted, and renews from the moment of sending', async () => {
    await using setup = await setUp();
    const { peer, ledger } = setup;
    const grant = grantOf({ bars: BARS });
    const beforeBootMs = systemClock.bootMs();
    peer.grants = [grant];
    await waitUntil('a renewal', () => ledger.renewals[0]);
    expect(ledger.started[0]?.job).toEqual({ grant, bars_path: '/cache/bars/x.arrow', lease_policy: 'pure' });
    const deadlineBootMs = ledger.renewals[0]?.deadlineBootMs ?? 0;
    expect(deadlineBootMs).toBeGreaterThan(beforeBootMs);
    expect(deadlineBootMs).toBeLessThan(systemClock.bootMs() + PEER_LEASE_MS);
    expect(setup.reachability.reason).toBeNull();
    expect(peer.registrations).toHaveLength(1);
  });

  test('registers again, with what it holds, when the control plane does not know it any more', async () => {
    await using setup = await setUp();
    const { peer, ledger } = setup;
    const grant = grantOf();
    peer.grants = [grant];
    await waitUntil('the start', () => ledger.started.length === 1);
    peer.registered = undefined;
    const again = await waitUntil('another registration', () => peer.registrations[1]);
    expect(again.instance).toBe(peer.registrations[0]?.instance ?? '');
    expect(again.leases).toEqual([{ operation_id: grant.operation_id, epoch: 1 }]);
    const heartbeats = peer.heartbeats.length;
    await waitUntil('heartbeats to go on', () => peer.heartbeats.length > heartbeats + 2);
  });

  test('registers again when others have to be told another address, and goes on with what it holds', async () => {
    await using setup = await setUp();
    const { peer, ledger } = setup;
    const grant = grantOf();
    peer.grants = [grant];
    await waitUntil('the start', () => ledger.started.length === 1);
    setup.endpoint.url = 'http://127.0.0.2:5003';
    const again = await waitUntil('another registration', () => peer.registrations[1]);
    expect(again.endpoint_url).toBe('http://127.0.0.2:5003');
    expect(again.instance).toBe(peer.registrations[0]?.instance ?? '');
    expect(again.leases).toEqual([{ operation_id: grant.operation_id, epoch: 1 }]);
    const heartbeats = peer.heartbeats.length;
    await waitUntil('heartbeats to go on', () => peer.heartbeats.length > heartbeats + 2);
    expect(peer.registrations).toHaveLength(2);
    expect(setup.warnings).toEqual([]);
  });

  test('repeats the nonce of a poll whose answer was lost, and starts its grants once', async () => {
    await using setup = await setUp();
    const { peer, ledger } = setup;
    let lost = 0;
    peer.intercept = (path) => {
      if (!path.startsWith('/answer/') || lost > 0) return undefined;
      lost += 1;
      return problem('unavailable', 503);
    };
    peer.grants = [grantOf()];
    await waitUntil('the start', () => ledger.started.length === 1);
    expect(lost).toBe(1);
    const nonces = peer.claims.map(({ nonce }) => nonce);
    const repeated = nonces.filter((nonce, index) => nonces.indexOf(nonce) !== index);
    expect(repeated.length).toBeGreaterThan(0);
    await waitUntil('a new nonce after the answer', () => peer.claims.at(-1)?.nonce !== repeated[0]);
    expect(ledger.started).toHaveLength(1);
  });

  test('asks again under the same nonce as soon as a slot is free', async () => {
    await using setup = await setUp();
    const { peer, ledger } = setup;
    peer.grants = [grantOf()];
    const full = await waitUntil('a poll without free slots', () =>
      peer.claims.find(({ free_slots }) => free_slots === 0),
    );
    ledger.running.clear();
    peer.grants = [grantOf()];
    await waitUntil('the second start', () => ledger.started.length === 2, { timeoutMs: 1_500 });
    expect(
      peer.claims.find(({ free_slots, nonce }) => free_slots === 1 && nonce === full.nonce),
    ).toBeDefined();
  });

  test('cancels and drops what heartbeats say, and nothing else', async () => {
    await using setup = await setUp({ slots: 3 });
    const { peer, ledger } = setup;
    const [kept, cancelled, lost] = [grantOf(), grantOf(), grantOf()];
    peer.leaseState = ({ operation_id }) => {
      if (operation_id === cancelled.operation_id) return 'cancel';
      return operation_id === lost.operation_id ? 'lost' : 'renewed';
    };
    peer.grants = [kept, cancelled, lost];
    await waitUntil('both ends', () => ledger.cancels.length >= 2);
    expect(new Set(ledger.cancels.map(({ key }) => key.operation_id))).toEqual(
      new Set([cancelled.operation_id, lost.operation_id]),
    );
    expect(ledger.held().map(({ operation_id }) => operation_id)).toEqual([kept.operation_id]);
  });

  test('reports a grant that cannot be started, and holds it until that is home', async () => {
    const { promise: begun, reject } = Promise.withResolvers<string>();
    await using setup = await setUp({ fetchBars: () => begun });
    const { peer, link, ledger } = setup;
    const grant = grantOf({ bars: BARS });
    peer.grants = [grant];
    await waitUntil('the grant to be held', () => link.held().length === 1);
    expect(link.freeSlots()).toBe(0);
    reject(new Error('the disk is gone'));
    const { key, report } = await waitUntil('the report', () => peer.results[0]);
    expect(key).toEqual({ operation_id: grant.operation_id, epoch: 1 });
    expect(report.outcome).toBe('failed');
    expect(report.error?.message).toContain('the disk is gone');
    await waitUntil('the slot', () => link.freeSlots() === 1);
    expect(ledger.started).toHaveLength(0);
  });

  test('gives work back that its full disk cannot hold, which is no failure of the work', async () => {
    const full = new Fault('disk_full', 'Cannot write the bars: no space left');
    await using setup = await setUp({ fetchBars: () => Promise.reject(full) });
    setup.peer.grants = [grantOf({ bars: BARS })];
    const { report } = await waitUntil('the report', () => setup.peer.results[0]);
    expect(report).toMatchObject({ outcome: 'lost', error: { code: 'disk_full' } });
  });

  test('reports a kind that it does not know as failed', async () => {
    await using setup = await setUp();
    setup.peer.grants = [grantOf({ kind: 'teleportation' })];
    const { report } = await waitUntil('the report', () => setup.peer.results[0]);
    expect(report.error?.message).toContain("Cannot find job kind 'teleportation'");
  });

  test('cancels a grant whose bars are still on their way', async () => {
    const waiting = (_: string, signal: AbortSignal) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await using setup = await setUp({ fetchBars: waiting });
    const { peer, ledger } = setup;
    peer.leaseState = () => 'cancel';
    peer.grants = [grantOf({ bars: BARS })];
    const { report } = await waitUntil('the report', () => peer.results[0]);
    expect(report).toMatchObject({ outcome: 'cancelled', error: null });
    expect(ledger.started).toHaveLength(0);
  });

  test('goes on after an outage, keeps what it holds, and says both in the log', async () => {
    await using setup = await setUp();
    const { peer, ledger, reachability } = setup;
    peer.grants = [grantOf()];
    await waitUntil('the start', () => ledger.started.length === 1);
    const outage = await peer.away();
    await waitUntil('the outage to be known', () => reachability.reason);
    outage.back();
    const heartbeats = peer.heartbeats.length;
    await waitUntil('heartbeats', () => peer.heartbeats.length > heartbeats && reachability.reason === null);
    expect(peer.heartbeats.at(-1)?.leases).toHaveLength(1);
    expect(ledger.cancels).toHaveLength(0);
    expect(setup.warnings).toContain('the control plane does not answer; running work goes on');
  });

  test('says which token file is refused, once and not at each try', async () => {
    await using setup = await setUp({ token: 'a-wrong-token' });
    await waitUntil('the reason', () => setup.reachability.reason?.includes('unauthorized'));
    await waitUntil('the warning', () => setup.warnings.length > 0);
    expect(setup.warnings).toEqual(['the control plane refuses the token of /state/token']);
    expect(setup.peer.registrations).toHaveLength(0);
  });

  test('gives back what has not begun and says goodbye', async () => {
    const waiting = (_: string, signal: AbortSignal) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await using setup = await setUp({ fetchBars: waiting });
    const { peer, link } = setup;
    peer.grants = [grantOf({ bars: BARS })];
    await waitUntil('the grant to be held', () => link.held().length === 1);
    await link.stopClaiming();
    await link.releaseUnstarted(AbortSignal.timeout(2_000));
    expect(peer.results.map(({ report }) => report.outcome)).toEqual(['released']);
    expect(await link.sayGoodbye(1_000)).toBe(true);
    expect(peer.stops).toHaveLength(1);
    expect(link.held()).toHaveLength(0);
  });
});
