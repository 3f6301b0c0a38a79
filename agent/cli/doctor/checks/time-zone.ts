import { fine, type Finding } from '#agent/contract/doctor';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

export const timeZoneCheck: LocalCheck = {
  name: 'time-zone',
  topic: 'machine',
  about: 'the time zone; nothing depends on it',
  run: (patient) => Promise.resolve(checkTimeZone(patient)),
};

/** Never wrong: everything is stored, sent and printed in UTC. */
function checkTimeZone({ environment }: Patient): Finding {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const from = environment['TZ'] ? `TZ=${environment['TZ']}` : 'of the system';
  const remark = timeZone === 'UTC' ? 'UTC' : `${timeZone}; times are stored and printed in UTC`;
  return fine(remark, [`time zone ${timeZone} (${from})`]);
}
