import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { readCgroupChain } from '#agent/probes/cgroup';
import type { HostReader } from '#agent/probes/host';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** A control plane of 64 database connections, long polls and streams; an agent with 100 shims. */
const FILES_MIN = 1_024;
/** PostgreSQL, a shim and a workload for each slot, and their threads. */
const PROCESSES_MIN = 256;

export const limitsCheck: LocalCheck = {
  name: 'limits',
  topic: 'machine',
  about: 'files and processes that the kernel allows',
  run: checkLimits,
};

/** Of the service that runs here, else of this process. */
async function checkLimits(patient: Patient): Promise<Finding> {
  const host = await patient.serviceHost();
  const text = await host.readText('/proc/self/limits');
  if (text === null) return skipped('this system has no /proc/self/limits');
  const files = parseLimit(text, 'Max open files');
  const processes = parseLimit(text, 'Max processes');
  const pids = await readPidsLimit(host);
  const inotify = (await host.readText('/proc/sys/fs/inotify/max_user_instances'))?.trim() ?? 'not known';
  const derivation = [
    `${limitText(files)} open files, ${limitText(processes)} processes (hard limits of /proc/<pid>/limits)`,
    pids.line,
    `${inotify} inotify instances a user (fs.inotify.max_user_instances); nothing here depends on them`,
  ];
  if (files < FILES_MIN) {
    return warning(`only ${files} files may be open at once`, {
      fix: 'ulimit -n 65536 before the start, or LimitNOFILE=65536 in its unit',
      derivation,
    });
  }
  if (processes < PROCESSES_MIN) {
    return warning(`only ${processes} processes are allowed`, {
      fix: 'ulimit -u 4096 before the start, or LimitNPROC=4096 in its unit',
      derivation,
    });
  }
  if (pids.left < PROCESSES_MIN) {
    return warning(`only ${pids.left} more processes fit into this control group`, {
      fix: `echo max > ${pids.file}, or TasksMax=infinity in its unit`,
      derivation,
    });
  }
  return fine(
    `${limitText(files)} open files, ${limitText(Math.min(processes, pids.left))} processes`,
    derivation,
  );
}

/** The hard limit of a line such as "Max open files            1024                 524288               files". */
export function parseLimit(text: string, name: string): number {
  const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text)?.[1];
  return hard === undefined || hard === 'unlimited' ? Infinity : Number(hard);
}

async function readPidsLimit(host: HostReader): Promise<{ left: number; file: string; line: string }> {
  const none = { left: Infinity, file: '', line: 'no limit of processes by control groups' };
  const chain = await readCgroupChain(host, 'pids');
  let least = none;
  for (const { name, directory } of chain?.groups ?? []) {
    const file = `${directory}/pids.max`;
    const max = Number.parseInt((await host.readText(file)) ?? '', 10);
    if (Number.isNaN(max)) continue;
    const current = Number.parseInt((await host.readText(`${directory}/pids.current`)) ?? '0', 10);
    const left = Math.max(0, max - current);
    if (left < least.left) {
      least = { left, file, line: `${current} of ${max} processes in control group ${name} (${file})` };
    }
  }
  return least;
}

function limitText(limit: number): string {
  return limit === Infinity ? 'unlimited' : limit.toLocaleString('en-US');
}
