import { buildInfo } from '#agent/kit/build-info';

const [command, ...rest] = process.argv.slice(2);
// Lazy, so that a job's processes load nothing of the agent.
if (command === '__job') await (await import('#agent/worker/shim/run-shim')).runShim(rest);
else if (command === '__run') await (await import('#agent/worker/workload/run-workload')).runWorkload(rest);
else console.log(`ktrdr-agent ${buildInfo.version} (${buildInfo.commit}, ${buildInfo.target})`);
