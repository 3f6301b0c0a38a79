import { expect, test } from 'bun:test';
import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { workerSchema, type Worker } from '#agent/contract/worker';
import { parseCpuList } from '#agent/probes/cpu';
import { systemHost } from '#agent/probes/host';
import { controlGroup, controlGroupMissing, type ControlGroupLimits } from '#test/support/control-group';
import { Fleet } from '#test/support/fleet';
import { waitUntil } from '#test/support/wait-until';

const status = (await systemHost.readText('/proc/self/status')) ?? '';
const allowed = [...(parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '') ?? [])];
const lastCpu = String(allowed.at(-1) ?? 0);
const isMissing = await controlGroupMissing('agents in real control groups');

test.skipIf(isMissing)(
  'an agent in a control group reports its share, and slots by it',
  async () => {
    await using fleet = await Fleet.start({ agents: 1, agentEnvironment: { KTRDR_SLOTS: 'auto' } });
    expect(await report(fleet)).toEqual({
      quotaCores: null,
      usableCores: allowed.length,
      limitBytes: null,
      slots: allowed.length,
      cores: allowed.length,
    });
    expect(await restartedIn(fleet, { cores: 0.5 })).toEqual({
      quotaCores: 0.5,
      usableCores: 0.5,
      limitBytes: null,
      slots: 1,
      cores: 1,
    });
    expect(await restartedIn(fleet, { cores: 1.5, memoryBytes: 2 ** 30 })).toEqual({
      quotaCores: 1.5,
      usableCores: Math.min(1.5, allowed.length),
      limitBytes: 2 ** 30,
      slots: 1,
      cores: 1,
    });
    expect(await restartedIn(fleet, { cpus: lastCpu })).toEqual({
      quotaCores: null,
      usableCores: 1,
      limitBytes: null,
      slots: 1,
      cores: 1,
    });
  },
  60_000,
);

/** What the control plane knows of the agent after it was started anew in a group with these limits. */
async function restartedIn(fleet: Fleet, limits: ControlGroupLimits): ReturnType<typeof report> {
  const agent = present(fleet.agents[0], 'the agent');
  const before = await probedAtMs(fleet);
  if (agent.running) await agent.kill();
  await using group = await controlGroup(limits);
  group.inside(() => agent.start());
  try {
    await waitUntil('facts of the new start', async () => (await probedAtMs(fleet)) > before, {
      timeoutMs: 20_000,
    });
    return await report(fleet);
  } finally {
    await agent.kill();
  }
}

async function probedAtMs(fleet: Fleet): Promise<number> {
  const { cpu } = (await worker(fleet)).facts;
  return cpu.state === 'present' ? cpu.probedAtMs : 0;
}

async function report(fleet: Fleet) {
  const { facts, slots, capabilities } = await worker(fleet);
  const { cpu, memory } = facts;
  if (cpu.state !== 'present' || memory.state !== 'present') throw new Error(JSON.stringify(facts));
  const { quotaCores, usableCores } = cpu.value;
  return {
    quotaCores,
    usableCores,
    limitBytes: memory.value.limitBytes,
    slots,
    cores: capabilities.cores,
  };
}

async function worker(fleet: Fleet): Promise<Worker> {
  const { body } = await fleet.api('GET', '/api/v1/workers');
  const { data } = z.object({ data: z.array(workerSchema) }).parse(body);
  return present(data[0], 'a worker');
}
