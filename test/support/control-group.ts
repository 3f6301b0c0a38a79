import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '#agent/kit/error';
import { parseMemberships, readCgroupChain, type CgroupChain } from '#agent/probes/cgroup';
import { systemHost } from '#agent/probes/host';
import { waitUntil } from './wait-until';

export interface ControlGroupLimits {
  cores?: number;
  memoryBytes?: number;
  /** A list as the kernel writes it, such as "0-2". */
  cpus?: string;
}

let made = 0;

/** A real control group, of version 1 or 2 as this machine has it, removed with its block. */
export class ControlGroup implements AsyncDisposable {
  readonly version: 1 | 2;
  /** Own directory → the directory that processes come from; one for each hierarchy of version 1. */
  readonly #directories: ReadonlyMap<string, string>;

  constructor(version: 1 | 2, directories: ReadonlyMap<string, string>) {
    this.version = version;
    this.#directories = directories;
  }

  /** The command, started within the group. */
  entering(argv: readonly string[]): string[] {
    const enter = [...this.#directories.keys()].map((directory) => `echo $$ > ${directory}/cgroup.procs`);
    return ['sh', '-c', `${enter.join(' && ')} && exec "$0" "$@"`, ...argv];
  }

  /** Moves a process that runs already into the group, until `leave`. */
  take(pid: number): void {
    for (const directory of this.#directories.keys()) enter(directory, pid);
  }

  leave(pid: number): void {
    for (const home of this.#directories.values()) enter(home, pid);
  }

  /** Processes that `start` starts are born in the group; this one is back outside afterwards. */
  inside<T>(start: () => T): T {
    try {
      this.take(process.pid);
      return start();
    } finally {
      this.leave(process.pid);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await waitUntil('the control group is empty', () => {
      try {
        for (const directory of this.#directories.keys()) removeIfThere(directory);
        return true;
      } catch {
        return false;
      }
    });
  }
}

/** Whether this machine does not let us make one; if so, prints what is skipped and why. */
export async function controlGroupMissing(what: string): Promise<boolean> {
  try {
    await using _group = await controlGroup({ cores: 1, cpus: '0', memoryBytes: 2 ** 28 });
    return false;
  } catch (error) {
    console.log(`skipped: ${what}: no control group can be made here (${describeError(error)})`);
    return true;
  }
}

/** Made at the highest group that this process may change. */
export async function controlGroup(limits: ControlGroupLimits): Promise<ControlGroup> {
  const [cpu, memory] = await Promise.all([
    readCgroupChain(systemHost, 'cpu'),
    readCgroupChain(systemHost, 'memory'),
  ]);
  if (cpu === null || memory === null) throw new Error('none are mounted');
  const name = `ktrdr-agent-test-${process.pid}-${made++}`;
  const directories = new Map<string, string>();
  const group = new ControlGroup(cpu.version, directories);
  try {
    if (cpu.version === 2) makeUnified(name, { limits, chain: cpu, directories });
    else makeSeparate(name, { limits, chains: { cpu, memory }, directories });
    return group;
  } catch (error) {
    await group[Symbol.asyncDispose]();
    throw error;
  }
}

interface Unified {
  limits: ControlGroupLimits;
  chain: CgroupChain;
  directories: Map<string, string>;
}

function makeUnified(name: string, { limits, chain, directories }: Unified): void {
  const [own, top] = [chain.groups[0], chain.groups.at(-1)];
  if (own === undefined || top === undefined) throw new Error('no control group is visible');
  const directory = join(top.directory, name);
  writeFileSync(join(top.directory, 'cgroup.subtree_control'), '+cpu +cpuset +memory');
  mkdirSync(directory);
  directories.set(directory, own.directory);
  const set = (file: string, value: string): void => writeFileSync(join(directory, file), value);
  if (limits.cores !== undefined) set('cpu.max', `${limits.cores * 100_000} 100000`);
  if (limits.memoryBytes !== undefined) set('memory.max', String(limits.memoryBytes));
  if (limits.cpus !== undefined) set('cpuset.cpus', limits.cpus);
}

interface Separate {
  limits: ControlGroupLimits;
  chains: { cpu: CgroupChain; memory: CgroupChain };
  directories: Map<string, string>;
}

function makeSeparate(name: string, { limits, chains, directories }: Separate): void {
  const make = (chain: CgroupChain): ((file: string, value: string) => void) => {
    const [own, top] = [chain.groups[0], chain.groups.at(-1)];
    if (own === undefined || top === undefined) throw new Error('no control group is visible');
    const directory = join(top.directory, name);
    mkdirSync(directory);
    directories.set(directory, own.directory);
    return (file, value) => writeFileSync(join(directory, file), value);
  };
  if (limits.cores !== undefined) make(chains.cpu)('cpu.cfs_quota_us', String(limits.cores * 100_000));
  if (limits.memoryBytes !== undefined)
    make(chains.memory)('memory.limit_in_bytes', String(limits.memoryBytes));
  if (limits.cpus !== undefined) {
    const set = make(cpusetChain());
    // Version 1 takes no process before both are set.
    set('cpuset.cpus', limits.cpus);
    set('cpuset.mems', '0');
  }
}

/** Probes need no cpuset, since the affinity of a process shows it. */
function cpusetChain(): CgroupChain {
  const membership = parseMemberships(readFileSync('/proc/self/cgroup', 'utf8')).find(({ controllers }) =>
    controllers.includes('cpuset'),
  );
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => / - cgroup .*\bcpuset\b/.test(line));
  const root = mount?.split(' ')[4];
  if (membership === undefined || root === undefined) throw new Error('no cpuset control group is mounted');
  const top = { name: '/', directory: root };
  return { version: 1, groups: [{ name: membership.path, directory: join(root, membership.path) }, top] };
}

function enter(directory: string, pid: number): void {
  writeFileSync(join(directory, 'cgroup.procs'), String(pid));
}

function removeIfThere(directory: string): void {
  if (existsSync(directory)) rmdirSync(directory);
}
