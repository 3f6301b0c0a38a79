import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { present } from '#agent/kit/assert';
import { descendants, processIdentity } from '#agent/kit/process';
import { Fleet, type Daemon } from '#test/support/fleet';
import { countResults, expectWhole, startSweep, unitsDone, untilUnderWay } from '#test/support/sweep-run';
import { waitUntil } from '#test/support/wait-until';

/** The default is 30 s; with 3 s the same disturbances take a tenth of the time. */
const LEASE_MS = Number(process.env['KTRDR_TEST_LEASE_S'] ?? 3) * 1000;
/** How long the control plane stays away: six leases, which is three minutes with the default lease. */
const OUTAGE_MS = 6 * LEASE_MS;
const TEST_MS = 300_000;

/** The fleet of each test, with a sweep of 5,000 units under way. */
async function disturbed(work: (fleet: Fleet, sweep: string) => Promise<void>): Promise<void> {
  await using fleet = await Fleet.start({ agents: 2, lease: `${LEASE_MS}ms` });
  const sweep = await startSweep(fleet);
  await untilUnderWay(fleet, sweep);
  await work(fleet, sweep);
  await fleet.stop();
}

const first = (fleet: Fleet): Daemon => present(fleet.agents[0], 'first agent');

describe('a sweep of 5,000 units has exactly one accepted result a unit', () => {
  test(
    'when an agent is killed and stays away',
    () =>
      disturbed(async (fleet, sweep) => {
        await first(fleet).kill();
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['expired']).toBeGreaterThan(0);
        // Its shim is still there with results that nobody wants any more: a restarted agent cleans up.
        first(fleet).start();
        await fleet.untilWorkers(2);
      }),
    TEST_MS,
  );

  test(
    'when an agent is killed and restarted: its job is found again, with the same pid',
    () =>
      disturbed(async (fleet, sweep) => {
        const agent = first(fleet);
        const before = await waitUntil('the agent has a workload', () => workloadOf(agent), {
          timeoutMs: 20_000,
        });
        await agent.kill();
        agent.start();
        await fleet.untilWorkers(2);
        const after = await waitUntil('the workload is found again', () => workloadOf(agent), {
          timeoutMs: 20_000,
        });
        expect(after).toEqual(before);
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['expired'] ?? 0).toBe(0);
        expect(count.attempts['lost'] ?? 0).toBe(0);
      }),
    TEST_MS,
  );

  test(
    'when a shim is killed: its workload dies with it and the batch runs again',
    () =>
      disturbed(async (fleet, sweep) => {
        const agent = first(fleet);
        const { shim, workload } = await waitUntil('the agent has a workload', () => workloadOf(agent), {
          timeoutMs: 20_000,
        });
        process.kill(shim, 'SIGKILL');
        await waitUntil('the workload is gone', () => processIdentity(workload) === undefined, {
          timeoutMs: 5000,
        });
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['lost']).toBe(1);
      }),
    TEST_MS,
  );

  test(
    'when the control plane is killed and restarted',
    () =>
      disturbed(async (fleet, sweep) => {
        const database = await postmasterPid(fleet);
        await fleet.control.kill();
        fleet.control.start();
        await fleet.untilControlAnswers();
        expect(await postmasterPid(fleet)).toBe(database);
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['expired'] ?? 0).toBe(0);
      }),
    TEST_MS,
  );

  test(
    'when PostgreSQL is killed',
    () =>
      disturbed(async (fleet, sweep) => {
        const database = await postmasterPid(fleet);
        process.kill(database, 'SIGKILL');
        await waitUntil('PostgreSQL runs again', async () => (await postmasterPid(fleet)) !== database, {
          timeoutMs: 30_000,
        });
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['expired'] ?? 0).toBe(0);
      }),
    TEST_MS,
  );

  test(
    'when an agent stands still for longer than a lease: its late results are refused',
    () =>
      disturbed(async (fleet, sweep) => {
        const agent = first(fleet);
        agent.signal('SIGSTOP');
        await waitUntil(
          'its batch was given to the other agent',
          async () => ((await countResults(fleet, sweep)).attempts['expired'] ?? 0) > 0,
          { timeoutMs: 6 * LEASE_MS },
        );
        const regranted = await waitUntil(
          'the other agent took the batch',
          async () => (await batchesTakenOver(fleet, sweep)) > 0,
          { timeoutMs: 60_000 },
        );
        expect(regranted).toBe(true);
        agent.signal('SIGCONT');
        await expectWhole(fleet, sweep);
        await waitUntil('late reports were answered with 409', () => staleReports(agent), {
          timeoutMs: 20_000,
        });
      }),
    TEST_MS,
  );

  test(
    'when the control plane is away for many leases',
    () =>
      disturbed(async (fleet, sweep) => {
        const before = await unitsDone(fleet, sweep);
        await fleet.control.kill();
        const back = performance.now() + OUTAGE_MS;
        await waitUntil('the outage is over', () => performance.now() > back, {
          timeoutMs: OUTAGE_MS + 5000,
          everyMs: 100,
        });
        fleet.control.start();
        await fleet.untilControlAnswers();
        expect(await unitsDone(fleet, sweep)).toBeGreaterThanOrEqual(before);
        const count = await expectWhole(fleet, sweep);
        expect(count.attempts['expired'] ?? 0).toBe(0);
      }),
    TEST_MS + OUTAGE_MS,
  );
});

/** Shim and workload of an agent, by the shim's own record. */
function workloadOf(agent: Daemon): { shim: number; workload: number } | undefined {
  const states = [...new Bun.Glob('shims/*/state.json').scanSync({ cwd: agent.runtimeDir, absolute: true })];
  for (const path of states) {
    const state = JSON.parse(readFileSync(path, 'utf8')) as {
      shim: { pid: number };
      workload: { pid: number } | null;
      attempt: unknown;
    };
    if (state.workload && state.attempt && processIdentity(state.workload.pid)) {
      return { shim: state.shim.pid, workload: state.workload.pid };
    }
  }
  return undefined;
}

async function postmasterPid(fleet: Fleet): Promise<number> {
  const [row] = await fleet.sql<{ pid: number }>(
    `select split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int as pid`,
  );
  const { pid } = present(row, 'a postmaster');
  expect(descendants(pid).length).toBeGreaterThan(0);
  return pid;
}

async function batchesTakenOver(fleet: Fleet, sweep: string): Promise<number> {
  const [row] = await fleet.sql<{ count: number }>(
    `select count(*)::int as count from attempt a join attempt b on a.operation_id = b.operation_id and a.epoch < b.epoch
     where a.operation_id like '${sweep}%' and a.outcome = 'expired'`,
  );
  return present(row, 'a count').count;
}

/** Whether the agent's metrics count reports that were refused as stale. */
async function staleReports(agent: Daemon): Promise<boolean> {
  return /stale_epoch|"stale"|stale/.test(agent.log());
}
