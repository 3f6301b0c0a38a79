import { dirname, relative } from 'node:path';
import type { Role } from '#agent/contract/settings';
import { describeError, Fault } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { ownProgram } from '#agent/kit/own-program';
import type { Output } from '#agent/cli/output';
import type { Shell } from '#agent/cli/shell';
import { printable } from '#agent/cli/text';
import { changedFiles, nextSnapshot, watchedBinary, watchedSources, type Watched } from './file-changes';
import { readFleet, type FleetMember } from './fleet-file';
import { restartMembers } from './restart-members';
import { readSourceGraph } from './source-graph';

export interface WatchOptions {
  directory: string;
  shell: Shell;
  output: Output;
}

/**
 * Restarts what a changed file concerns until the signal of the shell or `dev down` ends it: the members
 * that load a changed source, or all of them when the binary was replaced. Sources that cannot start
 * leave the running fleet alone; they are tried again with the next change.
 */
export async function watchFleet(options: WatchOptions): Promise<void> {
  const { directory, shell, output } = options;
  const program = watchedProgram();
  output.line(`Watching ${program.what}. Ctrl-C ends the watching; the fleet goes on.`);
  let before = program.watched.snapshot();
  let pending: string[] = [];
  const { clock, signal } = shell;
  const isOver = (): boolean => readFleet(directory) === undefined;
  for (;;) {
    const after = await nextSnapshot(program.watched, before, { clock, signal, isOver });
    if (after === undefined) break;
    pending = [...new Set([...pending, ...changedFiles(before, after)])].toSorted();
    before = after;
    const done = await react(program, pending, options);
    if (done) pending = [];
  }
  if (isOver()) output.line('The fleet was taken down.');
  else output.line('Watching ended. Stop the fleet: ktrdr-agent dev down');
}

interface Program {
  what: string;
  watched: Watched;
  /** For messages. */
  nameOf(path: string): string;
  /** Who is concerned by changes, or why they cannot start. */
  judge(changed: readonly string[]): Promise<Verdict>;
}

type Verdict = { roles: ReadonlySet<Role> } | { errors: string[] };

function watchedProgram(): Program {
  const [binary = '', main] = ownProgram(process.execPath, process.argv[1]);
  if (main === undefined) {
    return {
      what: binary,
      watched: watchedBinary(binary),
      nameOf: (path) => path,
      judge: () => judgeBinary(binary),
    };
  }
  const root = dirname(dirname(main));
  return {
    what: `the sources of ${root}`,
    watched: watchedSources(root),
    nameOf: (path) => relative(root, path),
    judge: (changed) => judgeSources(root, changed),
  };
}

async function judgeSources(root: string, changed: readonly string[]): Promise<Verdict> {
  const graph = await readSourceGraph(root);
  if ('errors' in graph) return graph;
  return { roles: new Set(changed.flatMap((path) => [...(graph.roles.get(path) ?? [])])) };
}

const VERSION_MS_MAX = 10_000;

/** A file that is still being written, or is for another machine, does not start. */
async function judgeBinary(path: string): Promise<Verdict> {
  try {
    const { code, stderr } = await exec([path, 'version'], { timeoutMs: VERSION_MS_MAX });
    return code === 0 ? { roles: new Set<Role>(['control', 'worker']) } : { errors: [stderr.trim()] };
  } catch (error) {
    return { errors: [describeError(error)] };
  }
}

/** True when the changes are dealt with. */
async function react(program: Program, changed: readonly string[], options: WatchOptions): Promise<boolean> {
  const { directory, shell, output } = options;
  const what = `${describeFiles(changed.map((path) => program.nameOf(path)))} changed`;
  const startMs = shell.clock.bootMs();
  const verdict = await program.judge(changed);
  if ('errors' in verdict) {
    output.line(`${what}, but cannot start; the fleet goes on as it was:`);
    for (const error of verdict.errors.slice(0, ERRORS_MAX)) output.line(`  ${printable(error)}`);
    return false;
  }
  try {
    const restarted = await restartMembers(directory, verdict.roles, shell);
    if (restarted === undefined) return true;
    const seconds = ((shell.clock.bootMs() - startMs) / 1000).toFixed(1);
    if (restarted.length === 0) output.line(`${what}: nothing that runs uses it`);
    else output.line(`${what}: restarted ${describeMembers(restarted)} (${seconds} s)`);
    return true;
  } catch (error) {
    if (shell.signal.aborted) return false;
    output.line(`${what}: ${printable(describeError(error))}`);
    if (error instanceof Fault && error.hint !== undefined) output.line(`  ${printable(error.hint)}`);
    return false;
  }
}

const ERRORS_MAX = 10;
const NAMES_MAX = 2;

function describeFiles(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  const shown = names.slice(0, NAMES_MAX).map((name) => printable(name));
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(' and ');
}

/** "agent-1, agent-2 and the control plane". */
function describeMembers(members: readonly FleetMember[]): string {
  const agents = members.filter(({ role }) => role !== 'control').map(({ name }) => name);
  const names = members.length > agents.length ? [...agents, 'the control plane'] : agents;
  const last = names.at(-1) ?? '';
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${last}` : last;
}
