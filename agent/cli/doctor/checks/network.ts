import { warning } from '#agent/contract/doctor';
import { plural } from '#agent/cli/figures';
import { capabilityCheck } from '#agent/cli/doctor/capability-check';

export const networkCheck = capabilityCheck('network', {
  about: 'interfaces and addresses, and which are ignored',
  judge: ({ interfaces }, derivation) => {
    const used = interfaces.filter(({ ignored }) => ignored === null);
    const told = used.map(({ name, addresses }) => `${name} ${addresses[0]?.address ?? 'without address'}`);
    const summary = `${told.join(', ')}${ignoredText(interfaces.length - used.length)}`;
    if (used.length > 0) return summary;
    return warning('no interface has an address that others could be told', {
      fix: 'ip address; on a machine of its own this does no harm',
      derivation,
    });
  },
  fix: 'ip address shows what the system has',
});

function ignoredText(count: number): string {
  return count === 0 ? '' : `; ${plural(count, 'other interface')} ignored`;
}
