/** Machines that find each other by gossip, move, and lose one way or the other, each in a network namespace. */
import { describe, expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { systemClock } from '#agent/kit/clock';
import { debianServer, debianServerMissing, freshDatabase } from '#test/support/database';
import { networkLabMissing } from '#test/support/network-lab';
import { AGENT_PORT, API_PORT, SpreadFleet } from '#test/support/spread-fleet';
import { expectWhole, startSweep, unitsDone, untilUnderWay } from '#test/support/sweep-run';
import { waitUntil } from '#test/support/wait-until';

const missing = await networkLabMissing('a fleet among network namespaces');
const noDatabase = debianServerMissing();
if (noDatabase !== undefined) console.log(`skipped: two control planes on one database: ${noDatabase}`);

const TEST_MS = 240_000;
/** The promise to users: a control plane that moved is followed within this time, without a restart. */
const FOLLOW_MS_MAX = 30_000;

/** Waits until the control plane at `host` heard all agents; `sinceMs` is when the one before had ended. */
async function followed(
  fleet: SpreadFleet,
  what: string,
  { host, sinceMs }: { host: number; sinceMs: number },
) {
  await fleet.untilAnswers(host);
  const answersMs = Date.now();
  await waitUntil(
    'a heartbeat of every agent',
    async () => {
      const heard = Object.values(await fleet.workers()).map(({ last_healthy_at: at }) => Date.parse(at));
      return heard.length > 0 && heard.every((atMs) => atMs > sinceMs);
    },
    { timeoutMs: FOLLOW_MS_MAX, everyMs: 50 },
  );
  const [total, after] = [sinceMs, answersMs].map((fromMs) => ((Date.now() - fromMs) / 1000).toFixed(1));
  console.log(`${what}: all agents are back after ${total} s, ${after} s after the API answered`);
}

async function verdictOf(fleet: SpreadFleet, label: string) {
  return present((await fleet.workers())[label], label).verdict;
}

/** Waits for a state of this agent whose cause has these words. */
async function untilVerdict(fleet: SpreadFleet, label: string, wanted: { state: string; says: string }) {
  const startMs = performance.now();
  const found = await waitUntil(
    `${label} is ${wanted.state} with '${wanted.says}'`,
    async () => {
      const verdict = await verdictOf(fleet, label);
      if (verdict.state === wanted.state && verdict.cause.includes(wanted.says)) return verdict;
      throw new Error(`${verdict.state}: ${verdict.cause}`);
    },
    { timeoutMs: 90_000, everyMs: 200 },
  );
  console.log(`${label} ${found.state}: ${found.cause} (${Math.round(performance.now() - startMs)} ms)`);
}

describe.skipIf(missing)('a fleet among network namespaces', () => {
  test.concurrent(
    'agents that know one address follow a control plane that moves, gracefully or killed',
    async () => {
      await using fleet = await SpreadFleet.open({ hosts: 4 });
      const before = fleet.control(0);
      before.start();
      await fleet.untilAnswers(0);
      // Only the address of a machine of the fleet: that it is the control plane is found out.
      const agents = [fleet.agent(1, [0]), fleet.agent(2, [0])];
      for (const agent of agents) agent.start();
      await fleet.untilReady(2);
      const pids = agents.map(({ pid }) => pid);
      const sweep = await startSweep(fleet);
      await untilUnderWay(fleet, sweep);

      before.signal('SIGTERM');
      expect(await before.ended()).toBe(0);
      const leftMs = Date.now();
      const moved = fleet.control(3);
      moved.start();
      await followed(fleet, 'moved gracefully', { host: 3, sinceMs: leftMs });
      const done = await unitsDone(fleet, sweep);
      await waitUntil('work goes on', async () => (await unitsDone(fleet, sweep)) > done, {
        timeoutMs: 30_000,
      });

      await moved.kill();
      const killedMs = Date.now();
      const back = fleet.control(0);
      back.start();
      await followed(fleet, 'killed and moved', { host: 0, sinceMs: killedMs });
      await expectWhole(fleet, sweep);
      expect(agents.map(({ running, pid }) => running && pid)).toEqual(pids);
    },
    TEST_MS,
  );

  test.concurrent.skipIf(noDatabase !== undefined)(
    'agents fail over to the other control plane of one database',
    async () => {
      await using database = await freshDatabase(debianServer);
      await using fleet = await SpreadFleet.open({
        hosts: 4,
        database: {
          url: database.url,
          user: 'postgres',
          sql: async <T extends object>(text: string) => [...(await database.database.sql.unsafe<T[]>(text))],
        },
      });
      const [one, two] = [fleet.control(0, 'control-1'), fleet.control(1, 'control-2', [0])];
      one.start();
      await fleet.untilAnswers(0);
      two.start();
      await fleet.untilAnswers(1);
      const agents = [fleet.agent(2, [0]), fleet.agent(3, [1])];
      for (const agent of agents) agent.start();
      await fleet.untilReady(2);
      const sweep = await startSweep(fleet);
      await untilUnderWay(fleet, sweep);
      // Both agents ask the first in order: it is the one to lose.
      await one.kill();
      await followed(fleet, 'failed over', { host: 1, sinceMs: Date.now() });
      await expectWhole(fleet, sweep);
    },
    TEST_MS,
  );

  test.concurrent(
    'verdicts name the way that is closed, and no job is lost by it',
    async () => {
      await using fleet = await SpreadFleet.open({ hosts: 3 });
      fleet.control(0).start();
      await fleet.untilAnswers(0);
      for (const agent of [fleet.agent(1, [0]), fleet.agent(2, [0])]) agent.start();
      await fleet.untilReady(2);
      const host = fleet.host(1);
      const sweep = await startSweep(fleet);
      await untilUnderWay(fleet, sweep);
      {
        await using _in = await host.drop('in', 'meta l4proto udp');
        await untilVerdict(fleet, 'agent-1', { state: 'ready', says: 'udp degraded' });
        await using _out = await host.drop('out', 'meta l4proto udp');
        await waitUntil(
          'some more time without UDP',
          async () => {
            const { since_ms } = present((await fleet.workers())['agent-1']?.gossip, 'evidence');
            return since_ms > 15_000;
          },
          { timeoutMs: 60_000 },
        );
        await untilVerdict(fleet, 'agent-1', { state: 'ready', says: 'udp degraded' });
      }
      const { attempts } = await expectWhole(fleet, sweep);
      expect(attempts).not.toHaveProperty('expired');
      expect(attempts).not.toHaveProperty('lost');
      {
        await using _http = await host.drop('out', `tcp dport ${API_PORT}`);
        await untilVerdict(fleet, 'agent-1', { state: 'cut-off', says: 'but gossip hears it' });
      }
      await untilVerdict(fleet, 'agent-1', { state: 'ready', says: 'heartbeat' });
      {
        await using _tcp = await host.drop('out', 'tcp dport 7946');
        await using _udp = await host.drop('out', 'meta l4proto udp');
        await using _in = await host.drop('in', 'tcp dport 7946');
        await untilVerdict(fleet, 'agent-1', { state: 'ready', says: 'gossip does not hear it' });
      }
    },
    TEST_MS,
  );

  test.concurrent(
    'an agent that stood still for 40 s accuses nobody, and is not accused for long',
    async () => {
      await using fleet = await SpreadFleet.open({ hosts: 4 });
      fleet.control(0).start();
      await fleet.untilAnswers(0);
      const agents = [1, 2, 3].map((host) => fleet.agent(host, [0]));
      for (const agent of agents) agent.start();
      await fleet.untilReady(3);
      const stopped = present(agents[0], 'agent-1');
      stopped.signal('SIGSTOP');
      await systemClock.sleep(40_000);
      stopped.signal('SIGCONT');
      const views = async () => [
        await fleet.membersAt(0, API_PORT),
        ...(await Promise.all([1, 2, 3].map((host) => fleet.membersAt(host, AGENT_PORT)))),
      ];
      const startMs = performance.now();
      const seen = new Set<string>();
      await waitUntil(
        'everybody is alive for everybody',
        async () => {
          const all = await views();
          const [others, own] = [[0, 2, 3], [1]].map((of) =>
            of.flatMap((index) => Object.entries(all[index] ?? {})),
          );
          for (const [name, status] of own ?? []) if (status !== 'alive') seen.add(`${name} ${status}`);
          return (
            [...(others ?? []), ...(own ?? [])].length === 16 &&
            all.every((view) => Object.values(view).every((status) => status === 'alive'))
          );
        },
        { timeoutMs: 60_000, everyMs: 100 },
      );
      console.log(
        `after 40 s of standstill all are alive for all within ${Math.round(performance.now() - startMs)} ms; it saw ${[...seen].join(', ') || 'nobody wrong'}`,
      );
      expect([...seen].filter((each) => each.endsWith('failed'))).toEqual([]);
      expect(stopped.log()).toContain('this process stood still');
      await fleet.untilReady(3);
    },
    TEST_MS,
  );
});
