import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { bytes } from '#agent/cli/figures';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** vm.overcommit_memory of 2 refuses reservations that are never used, of which every job process makes some. */
const STRICT = 2;
const SWAPPED_SHARE_MAX = 0.5;

export const swapCheck: LocalCheck = {
  name: 'swap',
  topic: 'machine',
  about: 'swap and overcommitment of memory',
  run: checkSwap,
};

async function checkSwap({ host }: Patient): Promise<Finding> {
  const [meminfo, overcommitText] = await Promise.all([
    host.readText('/proc/meminfo'),
    host.readText('/proc/sys/vm/overcommit_memory'),
  ]);
  if (meminfo === null) return skipped('this system has no /proc/meminfo');
  const total = kibibytes(meminfo, 'SwapTotal');
  const used = total - kibibytes(meminfo, 'SwapFree');
  const overcommit = Number(overcommitText ?? 0);
  const derivation = [
    `${bytes(used * 1024)} of ${bytes(total * 1024)} swap in use (SwapTotal, SwapFree of /proc/meminfo)`,
    `vm.overcommit_memory is ${overcommit}`,
  ];
  if (overcommit === STRICT) {
    return warning(
      'the kernel gives no memory beyond what it has (vm.overcommit_memory 2): jobs may not start',
      {
        fix: 'sysctl vm.overcommit_memory=0, on the host',
        derivation,
      },
    );
  }
  if (total > 0 && used > total * SWAPPED_SHARE_MAX) {
    return warning(`${bytes(used * 1024)} are swapped out: everything here runs late`, {
      fix: 'set fewer slots (KTRDR_SLOTS), or give this machine more memory',
      derivation,
    });
  }
  return fine(
    total === 0 ? 'no swap' : `${bytes(used * 1024)} of ${bytes(total * 1024)} swap in use`,
    derivation,
  );
}

function kibibytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
}
