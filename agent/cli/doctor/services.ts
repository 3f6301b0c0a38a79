import { ROLES, type Role } from '#agent/contract/settings';
import type { LoadedSettings } from '#agent/daemon/settings';
import type { Fleet } from '#agent/cli/dev/fleet-file';
import type { Holder, Listener } from './listeners';
import { askLocally, type LocalAnswer } from './local-answer';
import { settingsOfProcess } from './running-settings';

/** A role that this machine has, by its settings, by a fleet of `dev up`, or because it answers here. */
export interface Service {
  /** "the agent" and "the control plane", or the member's name in a fleet. */
  name: string;
  /** The command that starts it. */
  startCommand: string;
  role: Role;
  host: string;
  port: number;
  portSetting: 'api_port' | 'worker_port';
  /** Null where it runs as another user, and so only that user knows. */
  directories: Directories | null;
  /** Of the running service itself where they can be read, else those of this command. */
  settings: LoadedSettings;
  answer: LocalAnswer;
  isRunning: boolean;
  /** Who has its port, be it the service or a stranger. */
  listener: Listener | undefined;
  /** Undefined where nobody listens, or another user does. */
  holder: Holder | undefined;
}

export interface Directories {
  stateDir: string;
  runtimeDir: string;
  cacheDir: string;
}

export interface Surroundings {
  settings: LoadedSettings;
  fleet: Fleet | undefined;
  listeners: readonly Listener[] | null;
  /** By inode of the listening socket. */
  holders: ReadonlyMap<string, Holder>;
  /** Of this process. */
  uid: number;
  signal: AbortSignal;
}

type Planned = Pick<Service, 'name' | 'startCommand' | 'role' | 'host' | 'port' | 'portSetting'> & {
  directories: Directories;
};

/**
 * The members of the fleet; else the roles of the settings. Where nobody set a role, whoever answers at
 * the ports of the settings is here, and an agent is expected when nobody does.
 */
export async function findServices(surroundings: Surroundings): Promise<Service[]> {
  const { settings, fleet } = surroundings;
  const planned = fleet === undefined ? ROLES.map((role) => ofRole(settings, role)) : ofFleet(fleet);
  const services = await Promise.all(planned.map((service) => look(service, surroundings)));
  if (fleet !== undefined) return services;
  if (settings.origins.role.from !== 'default') {
    return services.filter(({ role }) => settings.values.role.includes(role));
  }
  const running = services.filter(({ isRunning }) => isRunning);
  return running.length > 0 ? running : services.filter(({ role }) => role === 'worker');
}

const KINDS: Readonly<Record<Role, LocalAnswer['kind']>> = { control: 'control', worker: 'agent' };

async function look(planned: Planned, surroundings: Surroundings): Promise<Service> {
  const { settings, fleet, listeners, holders, signal, uid } = surroundings;
  const listener = listeners?.find(({ port }) => port === planned.port);
  const holder = listener && holders.get(listener.inode);
  const answer = await askLocally(planned, signal);
  const isRunning = answer.kind === KINDS[planned.role];
  const service = { ...planned, answer, isRunning, listener, holder };
  if (!isRunning) return { ...service, settings };
  const own = holder === undefined ? null : await settingsOfProcess(holder.pid, uid);
  if (own !== null) return { ...service, settings: own, directories: directoriesOf(own) };
  if (fleet !== undefined) return { ...service, settings };
  const isSaid = settings.origins.state_dir.from !== 'default';
  return { ...service, settings, directories: isSaid ? planned.directories : null };
}

function ofRole(settings: LoadedSettings, role: Role): Planned {
  const { values } = settings;
  const directories = directoriesOf(settings);
  return role === 'control'
    ? {
        name: 'the control plane',
        startCommand: 'ktrdr-agent run --role control',
        role,
        host: values.api_host,
        port: values.api_port,
        portSetting: 'api_port',
        directories,
      }
    : {
        name: 'the agent',
        startCommand: 'ktrdr-agent run --role worker',
        role,
        host: values.worker_host,
        port: values.worker_port,
        portSetting: 'worker_port',
        directories,
      };
}

function directoriesOf({ values }: LoadedSettings): Directories {
  return { stateDir: values.state_dir, runtimeDir: values.runtime_dir, cacheDir: values.cache_dir };
}

function ofFleet(fleet: Fleet): Planned[] {
  return fleet.members.map(({ name, role, port, ...member }) => ({
    name,
    startCommand: 'ktrdr-agent dev up',
    role,
    host: '127.0.0.1',
    port,
    portSetting: role === 'control' ? 'api_port' : 'worker_port',
    directories: {
      stateDir: member.state_dir,
      runtimeDir: member.runtime_dir,
      cacheDir: member.cache_dir,
    },
  }));
}
