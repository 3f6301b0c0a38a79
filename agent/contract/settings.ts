import { z } from 'zod';
import {
  bytesSchema,
  durationMsSchema,
  portSchema,
  type SettingTable,
  type SettingValues,
} from '#agent/kit/config';
import { LOG_LEVELS } from '#agent/kit/log';
import { composeDatabaseUrl, DATABASE_PARTS } from './database-parts';
import { softwareCommandsSchema } from './software-commands';

export const ROLES = ['control', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** Settings for a sort of fleet that the binary carries; a settings file goes before them. */
export const PROFILES = ['dev', 'prod', 'proxmox'] as const;
export type Profile = (typeof PROFILES)[number];

/** A number, all that cores and memory allow, or a share of the cores, such as "50%". */
export type SlotsSetting = number | 'auto' | `${number}%`;

const duration = (byDefault: string, leastMs = 0) =>
  durationMsSchema
    .refine((ms) => ms >= leastMs, `give at least ${leastMs}ms`)
    .default(() => durationMsSchema.parse(byDefault));
const words = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(/[\s,]+/).filter(Boolean)),
]);
const path = z.string().startsWith('/', 'give an absolute path');
const host = z.string().min(1).max(253);
const SLOTS_MAX = 1024;
const slots = z.union([z.number(), z.string()]).transform((value, context): SlotsSetting => {
  const text = String(value).trim();
  if (text === 'auto') return 'auto';
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (share !== undefined && Number(share) > 0 && Number(share) <= 100) return `${Number(share)}%`;
  if (/^\d+$/.test(text) && Number(text) <= SLOTS_MAX) return Number(text);
  context.addIssue(`write a whole number from 0 to ${SLOTS_MAX}, a share of the cores such as 50%, or auto`);
  return z.NEVER;
});
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'give a URL such as http://192.168.1.201:5003' })
  .max(300);

/** Every setting of the product, alphabetical. The reference, `config` and the flags derive from it. */
export const SETTINGS = {
  allowed_hosts: {
    schema: words.default([]),
    env: ['KTRDR_ALLOWED_HOSTS'],
    description: 'host names, besides loopback and api_host, that requests may name in their Host header',
    example: 'nas, nas.lan',
  },
  api_host: {
    schema: host.default('127.0.0.1'),
    env: ['API_HOST'],
    description: 'address that the control plane listens on',
  },
  api_port: { schema: portSchema.default(8000), env: ['API_PORT'], description: 'port of the control plane' },
  api_url: {
    // KTRDR's own programs are given the path as well.
    schema: z
      .url({ protocol: /^https?$/, error: 'give a URL such as http://192.168.1.100:8000' })
      .transform((url) => url.replace(/\/+(api\/v1\/*)?$/, ''))
      .optional(),
    env: ['KTRDR_API_URL'],
    description: 'where agents and the command line find the control plane, such as http://127.0.0.1:8000',
    example: 'http://192.168.1.100:8000',
    defaultInWords: 'http://127.0.0.1 and api_port; an agent must be told',
  },
  cache_dir: {
    schema: path.optional(),
    env: ['KTRDR_CACHE_DIR', 'CACHE_DIRECTORY'],
    description: 'files that may be deleted at any time: bars of jobs, the unpacked database server',
    example: '/var/cache/ktrdr',
    defaultInWords: '/var/cache/ktrdr for root, else ktrdr in XDG_CACHE_HOME or ~/.cache',
  },
  database_url: {
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'give a URL such as postgres://user@host:5432/ktrdr')
      .optional(),
    env: ['DATABASE_URL'],
    composed: { env: DATABASE_PARTS, compose: composeDatabaseUrl },
    description: 'an outside PostgreSQL 14 or later; without it the control plane runs its own',
    example: 'postgres://ktrdr@db.lan:5432/ktrdr',
    secret: true,
    defaultInWords: 'a PostgreSQL of its own',
  },
  gossip: {
    schema: z.union([z.boolean(), z.stringbool()]).default(true),
    env: ['KTRDR_GOSSIP'],
    description: 'find the other machines of the fleet, and notice trouble, by gossip',
  },
  gossip_advertise: {
    schema: host.optional(),
    env: ['KTRDR_GOSSIP_ADVERTISE'],
    description: 'IP address under which others reach the gossip of this node; default: found out',
    example: '192.168.1.201',
  },
  gossip_broadcast: {
    schema: z.union([z.boolean(), z.stringbool()]).default(false),
    env: ['KTRDR_GOSSIP_BROADCAST'],
    description: 'look for the fleet by broadcast on the local network at the start',
  },
  gossip_host: {
    schema: host.optional(),
    env: ['KTRDR_GOSSIP_HOST'],
    description: 'address that gossip listens on; default: that of the API of this role',
    example: '0.0.0.0',
  },
  gossip_join: {
    schema: words.default([]),
    env: ['KTRDR_GOSSIP_JOIN'],
    description:
      'one or more members of the fleet, host or host:port; with one of them api_url can be left out',
    example: '192.168.1.100',
  },
  gossip_keyring: {
    schema: path.optional(),
    env: ['KTRDR_GOSSIP_KEYRING'],
    description:
      'file of mode 0600 with the keys of the gossip; made at the first start, the same on all machines',
  },
  gossip_label: {
    schema: z.string().max(64).default(''),
    env: ['KTRDR_GOSSIP_LABEL'],
    description: "keeps fleets apart that reach one another; leave it out beside agents of Debian's serf",
    example: 'lab',
  },
  gossip_network: {
    schema: z.enum(['lan', 'wan', 'local']).default('lan'),
    env: ['KTRDR_GOSSIP_NETWORK'],
    description: 'times of the gossip for this sort of network; the same on all machines',
  },
  gossip_port: {
    schema: portSchema.optional(),
    env: ['KTRDR_GOSSIP_PORT'],
    description: 'UDP and TCP port of the gossip; default 7946, or the next free one',
    example: '7946',
  },
  gpu_library_dir: {
    schema: path.optional(),
    env: ['KTRDR_GPU_LIBRARY_DIR'],
    description: "directory of NVIDIA's libnvidia-ml.so.1 and libcuda.so.1, where they are in no usual place",
    example: '/opt/nvidia/lib64',
  },
  heartbeat: {
    schema: duration('5s', 50),
    env: ['KTRDR_HEARTBEAT'],
    unit: 'ms',
    description: 'time between the heartbeats of an agent',
  },
  ib_client_id: {
    schema: z.coerce.number().int().min(0).max(2_147_483_647).optional(),
    env: ['IB_CLIENT_ID'],
    description: 'client id of this agent at TWS or IB Gateway; no two programs may use the same one',
    example: '1',
  },
  ib_host: {
    schema: host.optional(),
    env: ['IB_HOST', 'IB_GATEWAY_HOST'],
    description: 'where TWS or IB Gateway runs, such as 127.0.0.1; without it this agent offers no IB access',
    example: '127.0.0.1',
  },
  ib_port: {
    schema: portSchema.min(1).optional(),
    env: ['IB_PORT', 'IB_GATEWAY_PORT'],
    description: 'port of its API: IB Gateway 4001 live, 4002 paper; TWS 7496 live, 7497 paper',
    example: '4002',
  },
  insecure: {
    schema: z.union([z.boolean(), z.stringbool()]).default(false),
    env: ['KTRDR_INSECURE'],
    description: 'allow listening on other addresses than loopback without TLS',
  },
  job_idle: {
    schema: duration('60s'),
    env: ['KTRDR_JOB_IDLE'],
    unit: 'ms',
    description: 'how long a job process without work waits for an agent that is away',
  },
  lease: {
    schema: duration('30s', 500),
    env: ['KTRDR_LEASE'],
    unit: 'ms',
    description: 'how long an agent may be silent before its work is given to another',
  },
  library_dir: {
    schema: path.optional(),
    env: ['KTRDR_LIBRARY_DIR'],
    description: "directory from which a host's own packages, such as tfjs-node, are resolved",
    example: '/opt/ktrdr/lib',
  },
  log_format: {
    schema: z.enum(['logfmt', 'json']).default('logfmt'),
    env: ['LOG_FORMAT'],
    description: 'format of log lines',
  },
  log_level: {
    schema: z.enum(LOG_LEVELS).default('info'),
    env: ['LOG_LEVEL'],
    description: 'least level that is logged',
  },
  memory_per_slot: {
    schema: bytesSchema.refine((bytes) => bytes >= 2 ** 20, 'give at least 1MiB').default(512 * 2 ** 20),
    env: ['KTRDR_MEMORY_PER_SLOT'],
    unit: 'bytes',
    description: 'memory that an agent counts for each slot when it derives its slots',
    example: '1GiB',
  },
  onnxruntime_dir: {
    schema: path.optional(),
    env: ['KTRDR_ONNXRUNTIME_DIR'],
    description: "directory of a host's own libonnxruntime.so and the libraries of its providers",
    example: '/opt/onnxruntime/lib',
  },
  profile: {
    schema: z.enum(PROFILES).optional(),
    env: ['KTRDR_PROFILE'],
    description:
      'settings below those of the file: dev, prod or proxmox (`ktrdr-agent config --profile dev`)',
    example: 'proxmox',
  },
  proxmox_host: {
    schema: host.optional(),
    env: ['KTRDR_PROXMOX_HOST'],
    description: 'name of the Proxmox host that this container or virtual machine runs on',
    example: 'pve1',
  },
  role: {
    schema: words.pipe(z.array(z.enum(ROLES)).min(1)).default(['worker']),
    env: ['KTRDR_ROLE'],
    description: 'what `run` is: control, worker, or both',
  },
  run_as: {
    schema: z.string().min(1).default('ktrdr-control'),
    env: ['KTRDR_RUN_AS'],
    description: 'user that a control plane started as root becomes; "nobody" when there is no such user',
  },
  runtime_dir: {
    schema: path.optional(),
    env: ['KTRDR_RUNTIME_DIR', 'RUNTIME_DIRECTORY'],
    description: 'sockets and the files of running jobs; its path must be short',
    example: '/run/ktrdr',
    defaultInWords: '/run/ktrdr for root, else ktrdr in XDG_RUNTIME_DIR, or /tmp/ktrdr-<uid>',
  },
  shared_mount_path: {
    schema: path.optional(),
    env: ['SHARED_MOUNT_PATH', 'SHARED_DATA_PATH'],
    description: 'directory that all agents share, such as /mnt/shared; without it files go through the API',
    example: '/mnt/shared',
  },
  slots: {
    schema: slots.default('auto'),
    env: ['KTRDR_SLOTS'],
    description:
      'pieces of work that an agent runs at once: a number, auto (cores and memory), or 50% of the cores',
    example: '4',
  },
  software_commands: {
    schema: softwareCommandsSchema,
    env: [],
    description: 'name: command, whose first line of output is the version to report; settings file only',
    example: '{ git: git --version }',
  },
  state_dir: {
    schema: path.optional(),
    env: ['KTRDR_STATE_DIR', 'STATE_DIRECTORY'],
    description: 'identity, token and database: what must survive',
    example: '/var/lib/ktrdr',
    defaultInWords: '/var/lib/ktrdr for root, else ktrdr in XDG_STATE_HOME or ~/.local/state',
  },
  token_file: {
    schema: path.optional(),
    env: ['KTRDR_TOKEN_FILE'],
    description: 'file of mode 0600 with the token of the API; made by the control plane',
    example: '/var/lib/ktrdr/token',
    defaultInWords: '"token" in state_dir',
  },
  worker_endpoint_url: {
    schema: httpUrl.optional(),
    env: ['WORKER_ENDPOINT_URL'],
    description: 'URL under which others reach this agent; default: found by itself',
    example: 'http://192.168.1.201:5003',
    defaultInWords: 'found by itself',
  },
  worker_host: {
    schema: host.default('127.0.0.1'),
    env: ['WORKER_IP'],
    description: 'address that the agent listens on',
  },
  worker_id: {
    schema: z.string().min(1).max(120).optional(),
    env: ['WORKER_ID'],
    description: 'a label shown beside the name of the agent',
    example: 'backtest-1',
  },
  worker_port: { schema: portSchema.default(5003), env: ['WORKER_PORT'], description: 'port of the agent' },
  worker_public_base_url: {
    schema: httpUrl.optional(),
    env: ['WORKER_PUBLIC_BASE_URL'],
    description: 'the same as worker_endpoint_url, and used when that is not set',
    example: 'http://workers-b.lan:5003',
  },
} as const satisfies SettingTable;

export type SettingsTable = typeof SETTINGS;
export type SettingsValues = SettingValues<SettingsTable>;
