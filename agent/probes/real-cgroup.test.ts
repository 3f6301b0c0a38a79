import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import { cpuCapabilitySchema, memoryCapabilitySchema } from '#agent/contract/capability';
import { exec } from '#agent/kit/exec';
import { controlGroup, controlGroupMissing } from '#test/support/control-group';
import { parseCpuList } from './cpu';
import { systemHost } from './host';

/** What a process of its own finds, started by this command. */
const PROBE = `
  import { cpuProbe } from ${JSON.stringify(join(import.meta.dir, 'cpu.ts'))};
  import { memoryProbe } from ${JSON.stringify(join(import.meta.dir, 'memory.ts'))};
  import { systemHost } from ${JSON.stringify(join(import.meta.dir, 'host.ts'))};
  const [cpu, memory] = [await cpuProbe.probe(systemHost), await memoryProbe.probe(systemHost)];
  console.log(JSON.stringify({ cpu, memory }));`;
const found = z.object({
  cpu: z.object({ value: cpuCapabilitySchema, derivation: z.array(z.string()) }),
  memory: z.object({ value: memoryCapabilitySchema, derivation: z.array(z.string()) }),
});

const status = (await systemHost.readText('/proc/self/status')) ?? '';
const allowed = [...(parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '') ?? [])];
const lastCpu = allowed.at(-1) ?? 0;
const hasTaskset = Bun.which('taskset') !== null;

const isMissing = await controlGroupMissing('probes in real control groups');

describe.skipIf(isMissing)('in a real control group', () => {
  test.each([0.5, 1.5])('of %d cores, the cpu probe says so', async (cores) => {
    await using group = await controlGroup({ cores });
    const { cpu } = await look(group.entering(program(PROBE)));
    expect(cpu.value).toMatchObject({ quotaCores: cores, usableCores: Math.min(cores, allowed.length) });
    const figure = group.version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us';
    expect(cpu.derivation.join('\n')).toContain(`quota ${cores} cores (${figure} ${cores * 100_000}`);
  });

  test('of one pinned core, it is the only usable one', async () => {
    await using group = await controlGroup({ cpus: String(lastCpu) });
    const { cpu } = await look(group.entering(program(PROBE)));
    expect(cpu.value).toMatchObject({ affinityCores: 1, quotaCores: null, usableCores: 1 });
    expect(cpu.derivation.join('\n')).toContain(`(Cpus_allowed_list ${lastCpu})`);
  });

  test('with a limit of memory, usable and available memory lie below it', async () => {
    const memoryBytes = 384 * 2 ** 20;
    await using group = await controlGroup({ memoryBytes });
    const { memory } = await look(group.entering(program(PROBE)));
    expect(memory.value).toMatchObject({ limitBytes: memoryBytes, usableBytes: memoryBytes });
    expect(memory.value.availableBytes).toBeLessThan(memoryBytes);
    expect(memory.value.availableBytes).toBeGreaterThan(memoryBytes / 4);
    expect(memory.value.totalBytes).toBeGreaterThan(memoryBytes);
  });

  test('with all of them, all are said', async () => {
    const memoryBytes = 512 * 2 ** 20;
    await using group = await controlGroup({ cores: 0.5, cpus: String(lastCpu), memoryBytes });
    const { cpu, memory } = await look(group.entering(program(PROBE)));
    expect(cpu.value).toMatchObject({ affinityCores: 1, quotaCores: 0.5, usableCores: 0.5 });
    expect(memory.value.limitBytes).toBe(memoryBytes);
  });

  test('the kernel keeps to what the probes say', async () => {
    await using half = await controlGroup({ cores: 0.5 });
    await using small = await controlGroup({ memoryBytes: 192 * 2 ** 20 });
    const spin = `const [started, until] = [process.cpuUsage(), performance.now() + 1500];
      while (performance.now() < until);
      const { user, system } = process.cpuUsage(started);
      console.log(((user + system) / 1500e3).toFixed(2));`;
    const spun = await exec(half.entering(program(spin)), { timeoutMs: 20_000 });
    console.log(`a busy loop in a group of 0.5 cores used ${spun.stdout.trim()} cores`);
    // A burst over one period is allowed, and this machine may be busy with other things.
    expect(Number(spun.stdout)).toBeLessThan(0.9);
    const fill = `const kept = [];
      for (let mebibytes = 0; mebibytes < 512; mebibytes += 16) kept.push(Buffer.alloc(16 * 2 ** 20, 1));
      console.log(kept.length);`;
    const filled = await exec(small.entering(program(fill)), { timeoutMs: 20_000 });
    console.log(`512 MiB in a group of 192 MiB ended with ${filled.code}`);
    expect(filled).toMatchObject({ stdout: '' });
    expect(filled.code).not.toBe(0);
  });
});

test.skipIf(!hasTaskset || process.platform !== 'linux')(
  'pinned by taskset, one core is usable',
  async () => {
    const { cpu } = await look(['taskset', '-c', String(lastCpu), ...program(PROBE)]);
    expect(cpu.value).toMatchObject({ affinityCores: 1, usableCores: 1 });
    expect(cpu.value.logicalCores).toBeGreaterThanOrEqual(allowed.length);
  },
);

function program(source: string): string[] {
  return [process.execPath, '-e', source];
}

async function look(argv: readonly string[]): Promise<z.infer<typeof found>> {
  const { code, stdout, stderr } = await exec(argv, { timeoutMs: 20_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return found.parse(JSON.parse(stdout));
}
