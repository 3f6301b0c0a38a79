import { expect, test } from 'bun:test';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cpuCapabilitySchema } from '#agent/contract/capability';
import { describeError } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { readCgroupChain } from './cgroup';
import { systemHost } from './host';

const group = await makeGroup();

test.skipIf(group === undefined)('the cpu probe sees the quota of a real control group', async () => {
  const { directory, version } = group ?? { directory: '', version: 1 };
  try {
    const probe = `import { cpuProbe } from ${JSON.stringify(join(import.meta.dir, 'cpu.ts'))};
      import { systemHost } from ${JSON.stringify(join(import.meta.dir, 'host.ts'))};
      console.log(JSON.stringify(await cpuProbe.probe(systemHost)));`;
    const enter = 'echo $$ > "$0/cgroup.procs" && exec "$1" -e "$2"';
    const argv = ['sh', '-c', enter, directory, process.execPath, probe];
    const { code, stdout, stderr } = await exec(argv, { timeoutMs: 20_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const finding = z
      .object({ value: cpuCapabilitySchema, derivation: z.array(z.string()) })
      .parse(JSON.parse(stdout));
    expect(finding.value).toMatchObject({ quotaCores: 0.5, usableCores: 0.5 });
    const figure = version === 2 ? 'cpu.max 50000 100000' : 'cpu.cfs_quota_us 50000';
    expect(finding.derivation.join('\n')).toContain(figure);
  } finally {
    rmdirSync(directory);
  }
});

/** A control group with half a core, at the highest group that this process may change. */
async function makeGroup(): Promise<{ directory: string; version: 1 | 2 } | undefined> {
  const chain = await readCgroupChain(systemHost, 'cpu');
  const parent = chain?.groups.at(-1);
  if (chain === null || parent === undefined) return skip('no cpu control group is mounted');
  const directory = join(parent.directory, `ktrdr-agent-test-${process.pid}`);
  try {
    mkdirSync(directory);
  } catch (error) {
    return skip(describeError(error));
  }
  try {
    if (chain.version === 2) writeFileSync(join(directory, 'cpu.max'), '50000 100000');
    else writeFileSync(join(directory, 'cpu.cfs_quota_us'), '50000');
    return { directory, version: chain.version };
  } catch (error) {
    rmdirSync(directory);
    return skip(describeError(error));
  }
}

function skip(reason: string): undefined {
  console.log(`skipped: a real control group cannot be made here: ${reason}`);
  return undefined;
}
