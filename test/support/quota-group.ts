import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '#agent/kit/error';
import { readCgroupChain } from '#agent/probes/cgroup';
import { systemHost } from '#agent/probes/host';

let made = 0;

/** A control group with half a core, below the highest group that this process may change; undefined where it may not. */
export async function makeQuotaGroup(): Promise<string | undefined> {
  const chain = await readCgroupChain(systemHost, 'cpu');
  const parent = chain?.groups.at(-1);
  const directory = join(
    parent?.directory ?? '/nonexistent',
    `ktrdr-agent-doctor-${process.pid}-${(made += 1)}`,
  );
  try {
    await mkdir(directory);
    const [file, quota] = chain?.version === 2 ? ['cpu.max', '50000 100000'] : ['cpu.cfs_quota_us', '50000'];
    await writeFile(join(directory, file), quota);
    return directory;
  } catch (error) {
    console.log(
      `skipped: a quota of half a core: no control group can be made here: ${describeError(error)}`,
    );
    return undefined;
  }
}
