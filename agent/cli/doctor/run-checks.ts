import {
  ABOUT_CONTROL_CHECKS,
  broken,
  CONTROL_CHECKS,
  findingOfError,
  skipped,
  warning,
  type Check,
  type Finding,
} from '#agent/contract/doctor';
import { Fault } from '#agent/kit/error';
import { LOCAL_CHECKS } from './checks/registry';
import type { LocalCheck, Topic } from './local-check';
import type { Patient } from './patient';

/** A check with the heading it belongs to. */
export interface TopicCheck extends Check {
  topic: Topic;
}

/** The whole takes 5 s at most; what is left is for starting and printing. */
export const EXAMINATION_MS_MAX = 4_400;

/** Everything that `doctor` can be asked for, alphabetical. */
export const CHECKS: ReadonlyArray<{ name: string; about: string }> = [
  ...LOCAL_CHECKS,
  ...CONTROL_CHECKS.map((name) => ({ name, about: ABOUT_CONTROL_CHECKS[name] })),
].toSorted((left, right) => (left.name < right.name ? -1 : 1));

/** Runs the checks of these names at once, each bounded; empty means all. Never rejects for what a check meets. */
export async function runChecks(patient: Patient, names: readonly string[]): Promise<TopicCheck[]> {
  const isWanted = (name: string): boolean => names.length === 0 || names.includes(name);
  const local = LOCAL_CHECKS.filter(({ name }) => isWanted(name));
  const remote = CONTROL_CHECKS.filter(isWanted);
  const [ours, theirs] = await Promise.all([
    Promise.all(local.map((check) => runLocal(check, patient))),
    remote.length === 0 ? [] : askControl(patient, isWanted),
  ]);
  return [...ours, ...theirs].map(withoutCredentials);
}

/** URLs of settings may carry user and password; nothing that is shown does. */
function withoutCredentials(check: TopicCheck): TopicCheck {
  const clean = (text: string): string => text.replaceAll(/(\w:\/\/)[^\s/"]+@/g, '$1(hidden)@');
  return {
    ...check,
    summary: clean(check.summary),
    derivation: check.derivation.map(clean),
    fix: check.fix === null ? null : clean(check.fix),
  };
}

async function runLocal(check: LocalCheck, patient: Patient): Promise<TopicCheck> {
  const { name, topic } = check;
  const finding = await bounded(patient, () => check.run(patient));
  return { name, topic, ...finding };
}

async function bounded(patient: Patient, work: () => Promise<Finding>): Promise<Finding> {
  const done = new AbortController();
  const late = patient.clock.sleep(EXAMINATION_MS_MAX, done.signal).then(() => TOO_LATE);
  // In a function of its own, so that a check that throws at once is a finding too.
  const finding = await Promise.race([attempt(work), late]);
  done.abort();
  return finding;
}

async function attempt(work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    return findingOfError(error);
  }
}

const TOO_LATE = warning(`it could not be told within ${EXAMINATION_MS_MAX / 1000} s`, {
  fix: 'look for a disk or a network mount that hangs (dmesg, mount), then run this check alone',
});

/** Checks of a newer control plane that this binary does not know are shown all the same. */
async function askControl(patient: Patient, isWanted: (name: string) => boolean): Promise<TopicCheck[]> {
  const topic = 'control';
  let answer: Fault | { checks: Check[] } | undefined;
  await bounded(patient, async () => {
    answer = await patient.report();
    return skipped('');
  });
  if (answer !== undefined && !(answer instanceof Fault)) {
    return answer.checks.filter(({ name }) => isWanted(name)).map((check) => ({ topic, ...check }));
  }
  const finding = unanswered(answer);
  return CONTROL_CHECKS.filter(isWanted).map((name) => ({ name, topic, ...finding }));
}

/** Why there is no answer is said by `control-plane` and `token`; here only that it is not known. */
function unanswered(fault: Fault | undefined): Finding {
  if (fault === undefined) return skipped('not known: the control plane did not answer in time');
  if (fault.code === 'unauthorized') return skipped('not known: the control plane does not let us in');
  if (fault.code === 'unavailable' || fault.code === 'timeout') {
    return skipped('not known: the control plane does not answer');
  }
  if (fault.code === 'not_found') {
    return skipped('not known: the control plane is older and has no /doctor');
  }
  return broken(fault.message, { fix: fault.hint ?? 'look at the log of the control plane' });
}
