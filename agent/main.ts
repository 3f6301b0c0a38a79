import { writeSync } from 'node:fs';

/** Runs what the arguments name. Each branch is lazy, so that a job's processes load nothing of the agent. */
export async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === '__gpu') (await import('#agent/probes/gpu/look')).runGpuLook(rest);
  else if (command === '__job') await (await import('#agent/worker/shim/run-shim')).runShim(rest);
  else if (command === '__run') await (await import('#agent/worker/workload/run-workload')).runWorkload(rest);
  else if (isPlainVersion(command, rest)) await printVersion(rest.length > 0);
  else process.exit(await (await import('#agent/cli/run-cli')).runCli(process.argv.slice(2)));
}

/** Asked by scripts and by other versions, often: answered without the rest of the command line. */
function isPlainVersion(command: string | undefined, rest: readonly string[]): boolean {
  return command === 'version' && (rest.length === 0 || (rest.length === 1 && rest[0] === '--json'));
}

async function printVersion(json: boolean): Promise<void> {
  const { versionText } = await import('#agent/cli/version-text');
  try {
    writeSync(1, versionText(json));
  } catch {
    // The reader went away, as `| head` does.
  }
}

await main(process.argv.slice(2));
