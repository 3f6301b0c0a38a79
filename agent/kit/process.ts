import { dlopen } from 'bun:ffi';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { assert } from './assert';
import type { Clock } from './clock';
import { errorCode, Fault } from './error';

/** Names one process for good: a pid alone is reused, a pid with its start time and boot is not. */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/<pid>/stat, clock ticks since boot; 0 where there is no /proc (macOS). */
  startTicks: number;
  bootId: string;
  /** Target of /proc/<pid>/exe (" (deleted)" stripped); null when not readable, as for other users' processes. */
  exe: string | null;
}

/** The live process with this pid; undefined when there is none. A zombie counts as dead. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  assert(Number.isSafeInteger(pid) && pid > 0, `pid ${pid} is not a positive integer`);
  if (process.platform !== 'linux') {
    return canSignal(pid) ? { pid, startTicks: 0, bootId: '', exe: null } : undefined;
  }
  const stat = readStat(pid);
  if (stat === undefined || isDead(stat)) return undefined;
  return { pid, startTicks: stat.startTicks, bootId: bootId(), exe: readExe(pid) };
}

/** Whether the process once identified is still alive. The executable is not compared: exec may change it. */
export function isSameProcess(identity: Omit<ProcessIdentity, 'exe'>): boolean {
  const current = processIdentity(identity.pid);
  return (
    current !== undefined && current.startTicks === identity.startTicks && current.bootId === identity.bootId
  );
}

/**
 * Resolves true once the process is dead, false when it still lives after `timeoutMs`.
 * The process need not be a child of ours, hence the polling.
 */
export async function waitForExit(
  identity: ProcessIdentity,
  options: { clock: Clock; timeoutMs: number },
): Promise<boolean> {
  const deadlineMs = options.clock.bootMs() + options.timeoutMs;
  for (let delayMs = 1; isSameProcess(identity); delayMs = Math.min(50, delayMs * 2)) {
    const leftMs = deadlineMs - options.clock.bootMs();
    if (leftMs <= 0) return false;
    await options.clock.sleep(Math.min(delayMs, leftMs));
  }
  return true;
}

/** Pids of all live descendants, parents before children; empty where there is no /proc. */
export function descendants(pid: number): number[] {
  const childrenByParent = Map.groupBy(liveProcesses(), (stat) => stat.parentPid);
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const child of childrenByParent.get(next) ?? []) {
      found.push(child.pid);
      queue.push(child.pid);
    }
  }
  return found;
}

/**
 * Signals a process, its descendants, and every member of the process group and of the session it
 * leads (orphans that init adopted are found by these), each process once, until no new one appears.
 * SIGKILL first stops the whole tree, so that nothing forks away between the scan and the kill.
 * Does nothing when `root` is an identity whose pid now belongs to another process.
 * Returns how many processes were signalled; dying takes a moment longer, see `waitForExit`.
 * Fault(environment) when one belongs to another user; all others have been signalled nevertheless.
 */
export function killTree(root: number | ProcessIdentity, signal: NodeJS.Signals): number {
  const pid = typeof root === 'number' ? root : root.pid;
  assert(pid > 1 && pid !== process.pid, `killTree(${pid}) would end init or this process`);
  if (typeof root !== 'number' && isPidReused(root)) return 0;
  if (process.platform !== 'linux') return signalGroup(pid, signal);
  return signalAll(() => treeOf(pid), signal);
}

/** As `killTree`, for what this process started; call `becomeSubreaper` first, else orphans are missed. */
export function killDescendants(signal: NodeJS.Signals): number {
  return signalAll(() => {
    const below = new Set(descendants(process.pid));
    return liveProcesses().filter((stat) => below.has(stat.pid));
  }, signal);
}

/** Orphaned descendants are from now on adopted by this process, not by init. False where impossible (macOS). */
export function becomeSubreaper(): boolean {
  return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/**
 * The kernel kills this process when its parent dies. The parent passes its own pid, so that a
 * parent which died before this call is noticed too. A change of user clears the setting: call
 * `dropPrivileges` first. False where impossible (macOS).
 */
export function dieWithParent(parentPid: number): boolean {
  const armed = prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (armed && libc()?.getppid() !== parentPid) process.kill(process.pid, 'SIGKILL');
  return armed;
}

/**
 * Gives up root for good, for all threads of this process (libc's setxid, not the bare system call).
 * Fault(environment) when this process is not root, or when root could be regained: exit then.
 */
export function dropPrivileges(uid: number, gid: number): void {
  assert(uid > 0 && gid > 0, 'dropPrivileges() needs an unprivileged user and group');
  const c = libc();
  if (c === undefined || process.getuid?.() !== 0) {
    throw new Fault('environment', `Cannot change to user ${uid}: this process is not root`, {
      hint: 'start it as root, or as the target user itself',
    });
  }
  // The order matters: after setuid the groups can no longer be changed.
  const dropped = c.setgroups(0, null) === 0 && c.setgid(gid) === 0 && c.setuid(uid) === 0;
  if (!dropped) throw new Fault('environment', `Cannot change to user ${uid}: the kernel refused`);
  const regained = c.setuid(0) === 0 || c.setgid(0) === 0;
  if (regained || process.getuid() !== uid || process.geteuid?.() !== uid || process.getegid?.() !== gid) {
    throw new Fault('environment', `Cannot change to user ${uid}: root could be regained`, {
      hint: 'remove inherited capabilities (AmbientCapabilities=, securebits) from the service',
    });
  }
}

export interface User {
  uid: number;
  gid: number;
  home: string;
}

/** A user of /etc/passwd (users that only NSS knows are not found); `passwd` is for tests. */
export function lookupUser(name: string, passwd?: string): User | undefined {
  for (const line of (passwd ?? readFileSync('/etc/passwd', 'utf8')).split('\n')) {
    const [user, , uid, gid, , home] = line.split(':');
    if (user !== name || !uid || !gid) continue;
    return { uid: Number(uid), gid: Number(gid), home: home || '/' };
  }
  return undefined;
}

const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGKILL = 9;
/** A tree that still grows after this many scans is a fork bomb; a cgroup must end it. */
const SCANS_MAX = 32;

interface Stat {
  pid: number;
  state: string;
  parentPid: number;
  group: number;
  session: number;
  startTicks: number;
}

/** Parses /proc/<pid>/stat (proc(5)); the name in parentheses may hold spaces and parentheses. */
export function parseStat(text: string): Stat | undefined {
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return undefined;
  const fields = text.slice(nameEnd + 2).split(' ');
  const [state, parentPid, group, session] = fields;
  const startTicks = fields[19];
  if (!state || startTicks === undefined) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    state,
    parentPid: Number(parentPid),
    group: Number(group),
    session: Number(session),
    startTicks: Number(startTicks),
  };
}

function readStat(pid: number): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function isDead(stat: Stat): boolean {
  return stat.state === 'Z' || stat.state === 'X';
}

function liveProcesses(): Stat[] {
  if (process.platform !== 'linux') return [];
  const live: Stat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat !== undefined && !isDead(stat)) live.push(stat);
  }
  return live;
}

function treeOf(pid: number): Stat[] {
  const below = new Set(descendants(pid));
  return liveProcesses().filter(
    (stat) => stat.pid === pid || below.has(stat.pid) || stat.group === pid || stat.session === pid,
  );
}

function signalAll(tree: () => Stat[], signal: NodeJS.Signals): number {
  if (signal !== 'SIGKILL') return countSignalled(signalEach(tree, signal));
  const stopped = signalEach(tree, 'SIGSTOP');
  const known = new Map(stopped.signalled.map((stat) => [stat.pid, stat]));
  // The kills orphan processes on the way down: those stopped before are killed by their pids.
  const remaining = (): Stat[] => {
    const late = tree().filter((stat) => !known.has(stat.pid));
    for (const stat of late) known.set(stat.pid, stat);
    return [...known.values()].filter((stat) => readStat(stat.pid)?.startTicks === stat.startTicks);
  };
  return countSignalled(signalEach(remaining, 'SIGKILL'));
}

interface Signalled {
  signalled: Stat[];
  refusal: Fault | undefined;
}

function countSignalled({ signalled, refusal }: Signalled): number {
  if (refusal !== undefined) throw refusal;
  return signalled.length;
}

function signalEach(tree: () => Stat[], signal: NodeJS.Signals): Signalled {
  const signalled = new Map<string, Stat>();
  let refusal: Fault | undefined;
  for (let scan = 0; scan < SCANS_MAX; scan++) {
    const fresh = tree().filter((stat) => !signalled.has(`${stat.pid}:${stat.startTicks}`));
    if (fresh.length === 0) break;
    for (const stat of fresh) {
      signalled.set(`${stat.pid}:${stat.startTicks}`, stat);
      refusal = trySignal(stat.pid, signal) ?? refusal;
    }
  }
  return { signalled: [...signalled.values()], refusal };
}

function trySignal(pid: number, signal: NodeJS.Signals): Fault | undefined {
  try {
    sendSignal(pid, signal);
    return undefined;
  } catch (cause) {
    return new Fault(
      'environment',
      `Cannot send ${signal} to process ${pid}: ${errorCode(cause) ?? 'failed'}`,
      {
        cause,
        hint: `run this as the user of process ${pid}, or as root`,
      },
    );
  }
}

/** False when the process is gone already, which is what the caller wanted. */
function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): number {
  return sendSignal(-pid, signal) || sendSignal(pid, signal) ? 1 : 0;
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function isPidReused(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid) !== undefined && !isSameProcess(identity);
}

let bootIdRead: string | undefined;
function bootId(): string {
  bootIdRead ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootIdRead;
}

function readExe(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}

function prctl(option: number, argument: number): boolean {
  return libc()?.prctl(option, argument, 0, 0, 0) === 0;
}

let libcOpened: ReturnType<typeof openLibc> | undefined;
function libc(): ReturnType<typeof openLibc>['symbols'] | undefined {
  if (process.platform !== 'linux') return undefined;
  libcOpened ??= openLibc();
  return libcOpened.symbols;
}

function openLibc() {
  return dlopen('libc.so.6', {
    prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
    getppid: { args: [], returns: 'i32' },
    setgroups: { args: ['u64', 'ptr'], returns: 'i32' },
    setgid: { args: ['u32'], returns: 'i32' },
    setuid: { args: ['u32'], returns: 'i32' },
  });
}
