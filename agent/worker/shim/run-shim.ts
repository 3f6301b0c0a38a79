import { rmSync } from 'node:fs';
import { shimOptionsSchema } from '#agent/contract/job';
import { readJsonFile, shimFiles } from '#agent/worker/attempt-files';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { becomeSubreaper } from '#agent/kit/process';
import { Shim } from './shim';

/** `__job <directory of the shim>`, started by an agent in a session of its own. */
export async function runShim(argv: readonly string[]): Promise<void> {
  const shimDir = argv[0];
  const options =
    shimDir === undefined ? undefined : readJsonFile(shimFiles(shimDir).options, shimOptionsSchema);
  if (shimDir === undefined || options === undefined) {
    throw new Fault('environment', 'Cannot start a shim: its directory has no readable options.json', {
      hint: 'agents start shims by themselves: ktrdr-agent run',
    });
  }
  // Orphans of the job stay below this process, where they can be found and ended.
  becomeSubreaper();
  {
    await using shim = new Shim({ shimDir, options, clock: systemClock });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => shim.stop(`the shim received ${signal}`));
    }
    await shim.run();
  }
  rmSync(shimDir, { recursive: true, force: true });
  process.exit(0);
}
