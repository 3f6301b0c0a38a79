import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Fault } from '#agent/kit/error';
import { identityOf } from '#agent/worker/recorded-process';
import { killTree } from '#agent/kit/process';
import type { Output } from '#agent/cli/output';
import type { Shell } from '#agent/cli/shell';
import { isRunning, readFleet, writeFleet, type Fleet, type FleetMember } from './fleet-file';
import { lockFleet } from './fleet-lock';
import { memberSettings, planFleet, runtimeRoot } from './fleet-plan';
import { isFreePort, portsFrom } from './free-ports';
import { startMember } from './member-process';
import { waitUntilReady } from './readiness';
import { stopMembers } from './stop-fleet';

export interface StartOptions {
  directory: string;
  agents: number | undefined;
  slots: number | undefined;
  port: number | undefined;
  shell: Shell;
  output: Output;
}

const CONTROL_PORT = 8000;
const AGENT_PORT = 5003;

/**
 * Starts what of the fleet is not running, control plane first, and returns when all of it answers.
 * Agents beyond the number that is asked for give their work back and go. A second call changes
 * nothing. On failure the members it started are stopped again.
 */
export async function startFleet(options: StartOptions): Promise<Fleet> {
  const { directory, output } = options;
  using _lock = lockFleet(directory);
  const existing = readFleet(directory);
  const { fleet, surplus } = planFleet(
    {
      directory,
      uid: options.shell.uid,
      agents: options.agents,
      controlPort: existing === undefined ? choosePort(options) : 0,
      nextAgentPort: agentPorts(existing),
    },
    existing,
  );
  if (surplus.length > 0) await removeSurplus(fleet, surplus, options);
  const missing = fleet.members.filter((member) => !isRunning(member));
  if (missing.length === 0) {
    output.note('The fleet is already up.');
    return fleet;
  }
  checkPorts(missing);
  makeDirectories(fleet, options.shell.uid);
  const started: FleetMember[] = [];
  try {
    // The control plane first: the agents share the keyring that it makes before it answers.
    for (const role of ['control', 'worker'] as const) {
      const members = missing.filter((member) => member.role === role);
      for (const member of members) start(fleet, member, { ...options, started });
      for (const member of members) await waitUntilReady(member, options.shell);
    }
  } catch (error) {
    stopStarted(fleet, started);
    throw error;
  }
  const names = missing.map(({ name }) => name).join(', ');
  output.note(`Started ${names}. Stop the fleet: ktrdr-agent dev down`);
  return fleet;
}

/** The rest of the fleet goes on meanwhile, and takes over the work. */
async function removeSurplus(
  fleet: Fleet,
  surplus: readonly FleetMember[],
  { shell, output }: StartOptions,
): Promise<void> {
  await stopMembers(surplus, shell);
  // Only now: until they are gone `dev down` must find them.
  writeFleet(fleet);
  const names = surplus.map(({ name }) => name).join(', ');
  output.note(`Removed ${names}: the work was given back, the files stay.`);
}

interface Starting extends StartOptions {
  started: FleetMember[];
}

function start(fleet: Fleet, member: FleetMember, { shell, slots, started }: Starting): void {
  const agents = fleet.members.length - 1;
  const share =
    slots ??
    (Number(shell.environment.KTRDR_SLOTS) || Math.max(1, Math.floor(availableParallelism() / agents)));
  writeFileSync(member.settings_file, memberSettings(fleet, member, share));
  member.process = startMember(member, shell.environment);
  started.push(member);
  // At once, so that `dev down` finds it whatever happens next.
  writeFleet(fleet);
}

function stopStarted(fleet: Fleet, started: readonly FleetMember[]): void {
  for (const member of started.toReversed()) {
    if (member.process !== null) killTree(identityOf(member.process), 'SIGTERM');
  }
  writeFleet(fleet);
}

function choosePort({ port, output }: StartOptions): number {
  const wanted = port ?? CONTROL_PORT;
  if (isFreePort(wanted)) return wanted;
  if (port !== undefined) {
    throw new Fault('in_use', `Cannot start the control plane: port ${port} is taken`, {
      hint: 'give another --port, or none for the next free one',
    });
  }
  const found = portsFrom(CONTROL_PORT, [])();
  if (found === undefined) throw noPort(CONTROL_PORT);
  output.note(`Port ${CONTROL_PORT} is taken: the control plane uses ${found}.`);
  return found;
}

function agentPorts(existing: Fleet | undefined): () => number {
  const next = portsFrom(AGENT_PORT, existing?.members.map(({ port }) => port) ?? []);
  return () => {
    const port = next();
    if (port === undefined) throw noPort(AGENT_PORT);
    return port;
  };
}

function noPort(first: number): Fault {
  return new Fault('in_use', `Cannot start the fleet: no port from ${first} up is free`, {
    hint: 'stop what listens there: ss -ltnp shows it',
  });
}

/** A member that died keeps its port: its settings and those of the others name it. */
function checkPorts(members: readonly FleetMember[]): void {
  const taken = members.find(({ port }) => !isFreePort(port));
  if (taken === undefined) return;
  throw new Fault('in_use', `Cannot start ${taken.name}: port ${taken.port} is taken by another program`, {
    hint: 'stop that program, or choose new ports: ktrdr-agent dev down, then ktrdr-agent dev up',
  });
}

/** The control plane of root becomes another user, who must be able to enter; its own directories it takes over itself. */
function makeDirectories(fleet: Fleet, uid: number): void {
  const root = runtimeRoot({ directory: fleet.directory, uid });
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const status = lstatSync(root);
  if (!status.isDirectory() || (uid >= 0 && status.uid !== uid)) {
    throw new Fault('environment', `Cannot use ${root}: it belongs to somebody else`, {
      hint: 'choose a shorter --dir or KTRDR_DEV_DIR, so that sockets fit beside it',
    });
  }
  for (const { state_dir, runtime_dir, cache_dir } of fleet.members) {
    for (const path of [state_dir, runtime_dir, cache_dir]) mkdirSync(path, { recursive: true, mode: 0o755 });
  }
}
