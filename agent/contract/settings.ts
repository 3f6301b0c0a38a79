import { z } from 'zod';
import { durationMsSchema, portSchema, type SettingTable, type SettingValues } from '#agent/kit/config';
import { LOG_LEVELS } from '#agent/kit/log';

export const ROLES = ['control', 'worker'] as const;
export type Role = (typeof ROLES)[number];

const duration = (byDefault: string) => durationMsSchema.default(() => durationMsSchema.parse(byDefault));
const words = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(/[\s,]+/).filter(Boolean)),
]);
const path = z.string().startsWith('/', 'give an absolute path');
const host = z.string().min(1).max(253);

/** Every setting of the product, alphabetical. The reference, `config` and the flags derive from it. */
export const SETTINGS = {
  allowed_hosts: {
    schema: words.default([]),
    env: ['KTRDR_ALLOWED_HOSTS'],
    description: 'host names, besides loopback and api_host, that requests may name in their Host header',
  },
  api_host: {
    schema: host.default('127.0.0.1'),
    env: ['API_HOST'],
    description: 'address that the control plane listens on',
  },
  api_port: { schema: portSchema.default(8000), env: ['API_PORT'], description: 'port of the control plane' },
  api_url: {
    schema: z.url().optional(),
    env: ['KTRDR_API_URL'],
    description: 'where agents and the command line find the control plane, such as http://127.0.0.1:8000',
  },
  cache_dir: {
    schema: path.optional(),
    env: ['KTRDR_CACHE_DIR', 'CACHE_DIRECTORY'],
    description: 'files that may be deleted at any time: bars of jobs, the unpacked database server',
  },
  database_url: {
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'give a URL such as postgres://user@host:5432/ktrdr')
      .optional(),
    env: ['DATABASE_URL'],
    description: 'an outside PostgreSQL 14 or later; without it the control plane runs its own',
    secret: true,
  },
  heartbeat: {
    schema: duration('5s'),
    env: ['KTRDR_HEARTBEAT'],
    description: 'time between the heartbeats of an agent',
  },
  insecure: {
    schema: z.union([z.boolean(), z.stringbool()]).default(false),
    env: ['KTRDR_INSECURE'],
    description: 'allow listening on other addresses than loopback without TLS',
  },
  job_idle: {
    schema: duration('60s'),
    env: ['KTRDR_JOB_IDLE'],
    description: 'how long a job process without work waits for an agent that is away',
  },
  lease: {
    schema: duration('30s'),
    env: ['KTRDR_LEASE'],
    description: 'how long an agent may be silent before its work is given to another',
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
  },
  slots: {
    schema: z.coerce.number().int().min(0).max(1024).optional(),
    env: ['KTRDR_SLOTS'],
    description: 'pieces of work that an agent runs at once; default: one a usable core',
  },
  state_dir: {
    schema: path.optional(),
    env: ['KTRDR_STATE_DIR', 'STATE_DIRECTORY'],
    description: 'identity, token and database: what must survive',
  },
  token_file: {
    schema: path.optional(),
    env: ['KTRDR_TOKEN_FILE'],
    description: 'file of mode 0600 with the token of the API; made by the control plane',
  },
  worker_endpoint_url: {
    schema: z.url().optional(),
    env: ['WORKER_ENDPOINT_URL', 'WORKER_PUBLIC_BASE_URL'],
    description: 'address under which others reach this agent',
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
  },
  worker_port: { schema: portSchema.default(5003), env: ['WORKER_PORT'], description: 'port of the agent' },
} as const satisfies SettingTable;

export type SettingsTable = typeof SETTINGS;
export type SettingsValues = SettingValues<SettingsTable>;
