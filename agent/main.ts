/** Runs what the arguments name. Each branch is lazy, so that a job's processes load nothing of the agent. */
export async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === '__gpu') (await import('#agent/probes/gpu-look')).runGpuLook(rest);
  else if (command === '__job') await (await import('#agent/worker/shim/run-shim')).runShim(rest);
  else if (command === '__run') await (await import('#agent/worker/workload/run-workload')).runWorkload(rest);
  else process.exit(await (await import('#agent/cli/run-cli')).runCli(process.argv.slice(2)));
}

await main(process.argv.slice(2));
