import { CONTROL_CHECKS, findingOfError, warning } from '#agent/contract/doctor';
import type { Check, ControlCheckName, DoctorReport, Finding } from '#agent/contract/doctor';
import type { ControlContext } from '#control/http/context';
import { checkAgents } from './agents';
import { checkDatabase } from './database';
import { checkLeases } from './leases';
import { checkSchema } from './schema';
import { checkWork } from './work';

const CHECKS: Readonly<Record<ControlCheckName, (context: ControlContext) => Promise<Finding>>> = {
  agents: checkAgents,
  database: checkDatabase,
  leases: checkLeases,
  schema: checkSchema,
  work: checkWork,
};

/** The caller shows its own findings after 5 s at the latest, so an answer after that helps nobody. */
const CHECK_MS_MAX = 3_000;

/** All checks of the control plane at once. Never rejects: a database that is away is a finding. */
export async function doctorReport(context: ControlContext): Promise<DoctorReport> {
  const { build, clock } = context;
  const checks = await Promise.all(CONTROL_CHECKS.map((name) => bounded(name, context)));
  return {
    version: build.version,
    commit: build.commit,
    checks,
    generated_at: new Date(clock.nowMs()).toISOString(),
  };
}

async function bounded(name: ControlCheckName, context: ControlContext): Promise<Check> {
  const done = new AbortController();
  const late = context.clock.sleep(CHECK_MS_MAX, done.signal).then(() => TOO_LATE);
  const finding = await Promise.race([CHECKS[name](context).catch(findingOfError), late]);
  done.abort();
  return { name, ...finding };
}

const TOO_LATE = warning(`the control plane could not tell within ${CHECK_MS_MAX / 1000} s`, {
  fix: 'look at the load of the database server and at the log of the control plane',
});
