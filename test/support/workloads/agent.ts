import { jobSpecSchema } from '#agent/contract/job';
import { AttemptSupervisor } from '#agent/worker/attempts/supervisor';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { recordedDelivery } from '#test/support/recorded-delivery';
import { testSupervisorOptions } from '#test/support/attempts';

// An agent in a process of its own, to be killed: `agent.ts <runtime directory> <job as JSON>`.
const [runtimeDir = '', job = ''] = process.argv.slice(2);
const delivery = recordedDelivery();
delivery.isAway = true;
const supervisor = await AttemptSupervisor.open(
  testSupervisorOptions({ runtimeDir, delivery, clock: systemClock, log: silentLog }),
);
await supervisor.start(
  jobSpecSchema.omit({ attempt_dir: true }).parse(JSON.parse(job)),
  systemClock.bootMs() + 30_000,
);
console.log('started');
