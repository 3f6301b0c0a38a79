import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Fleet, FleetMember } from './fleet-file';

export interface FleetWish {
  directory: string;
  uid: number;
  /** Undefined: what is there, else two. */
  agents: number | undefined;
  controlPort: number;
  /** The next port of the machine that nobody listens on. */
  nextAgentPort: () => number;
}

/**
 * A path of a unix socket ends at 107 bytes: a shim's is the runtime directory, `/shims/`, a UUID and
 * `/socket`, PostgreSQL's is shorter.
 */
const RUNTIME_BYTES_MAX = 56;
const AGENTS = 2;

export interface FleetPlan {
  fleet: Fleet;
  /** Agents of the existing fleet that are not wanted any more. */
  surplus: FleetMember[];
}

/**
 * The members a fleet should have: those it has keep their ports and directories, further agents are
 * added at the end, and the last ones are surplus when there are more than were asked for.
 */
export function planFleet(wish: FleetWish, existing: Fleet | undefined): FleetPlan {
  const { directory } = wish;
  const control =
    existing?.members.find(({ role }) => role === 'control') ?? member(wish, 'control', wish.controlPort);
  const agents = existing?.members.filter(({ role }) => role === 'worker') ?? [];
  // An existing fleet without agents was asked for as such.
  const wanted = wish.agents ?? (existing === undefined ? AGENTS : agents.length);
  const added = Array.from({ length: Math.max(0, wanted - agents.length) }, (_, index) =>
    member(wish, `agent-${agents.length + index + 1}`, wish.nextAgentPort()),
  );
  const fleet: Fleet = {
    version: 1,
    directory,
    api_url: `http://127.0.0.1:${control.port}`,
    token_file: join(control.state_dir, 'token'),
    members: [control, ...agents.slice(0, wanted), ...added],
  };
  return { fleet, surplus: agents.slice(wanted) };
}

/** Sockets lie beside the rest where the path is short enough, in /tmp otherwise. */
export function runtimeRoot({ directory, uid }: Pick<FleetWish, 'directory' | 'uid'>): string {
  const beside = join(directory, 'run');
  if (Buffer.byteLength(join(beside, 'agent-64')) <= RUNTIME_BYTES_MAX) return beside;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  return `/tmp/ktrdr-dev-${uid}-${hash}`;
}

function member(wish: FleetWish, name: string, port: number): FleetMember {
  const { directory } = wish;
  return {
    name,
    role: name === 'control' ? 'control' : 'worker',
    port,
    state_dir: join(directory, name),
    runtime_dir: join(runtimeRoot(wish), name),
    cache_dir: join(directory, 'cache', name),
    settings_file: join(directory, `${name}.yaml`),
    log_file: join(directory, `${name}.log`),
    process: null,
  };
}

/** The settings of a member, as the text of its file: the same by hand as by `dev up`. */
export function memberSettings(fleet: Fleet, member: FleetMember, slots: number): string {
  const directories = {
    state_dir: member.state_dir,
    runtime_dir: member.runtime_dir,
    cache_dir: member.cache_dir,
    token_file: fleet.token_file,
    // Made by the control plane, which is there first; one keyring is one fleet.
    gossip_keyring: join(dirname(fleet.token_file), 'gossip/keyring.json'),
  };
  const settings =
    member.role === 'control'
      ? { role: ['control'], api_port: member.port, ...directories }
      : {
          role: ['worker'],
          api_url: fleet.api_url,
          worker_port: member.port,
          worker_id: member.name,
          slots,
          ...directories,
        };
  return `# Written by \`ktrdr-agent dev up\`.\n${Bun.YAML.stringify(settings, null, 2)}\n`;
}
