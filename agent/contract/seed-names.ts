/**
 * What becomes of an environment name that the documents behind this product set and that no setting
 * reads. `replaced` and `later` are said to whoever sets them; `other` belongs to another program.
 */
export interface SeedName {
  kind: 'replaced' | 'later' | 'other';
  /** What to do instead and why, or whose it is; a clause that follows "is not read: ". */
  answer: string;
  /** A value for which silence would be dangerous, and what happens instead of what it asks for. */
  risk?: { value: RegExp; says: string };
}

const TRUE = /^(true|1|yes|on)$/i;
const FALSE = /^(false|0|no|off)$/i;

const replaced = (answer: string, risk?: SeedName['risk']): SeedName => ({
  kind: 'replaced',
  answer,
  ...(risk === undefined ? {} : { risk }),
});
const later = (answer: string, risk?: SeedName['risk']): SeedName => ({
  ...replaced(answer, risk),
  kind: 'later',
});
const other = (program: string): SeedName => ({ kind: 'other', answer: `it belongs to ${program}` });

const REPLICAS = replaced(
  'one agent runs many pieces of work: set KTRDR_SLOTS, or start an agent on more machines',
);
const LEASES = replaced('work and leases live in PostgreSQL, without a broker: set DATABASE_URL, or nothing');
const PULLED = replaced(
  'agents fetch their work and nobody calls them for it: set KTRDR_API_URL on the agent instead',
);
const LOCAL = replaced('work always runs on agents, so there is nothing to switch', {
  value: FALSE,
  says: 'it asks for local execution, which does not exist: without an agent nothing runs',
});
const EVERY_KIND = 'every agent runs every kind of work that its capabilities allow';
const TRAINS = {
  value: /^(training|backtesting)$/i,
  says: 'this machine gets other kinds of work as well; KTRDR_SLOTS=0 or `ktrdr-agent drain` keeps it free',
};
const NO_IB_DATA = {
  value: TRUE,
  says: 'in this version no bars come from Interactive Brokers, by a host service or otherwise: `ktrdr-agent data import`',
};
const IB_DIRECT =
  'there is no host service to switch to: the agent beside TWS or IB Gateway reaches it by IB_HOST and IB_PORT';
const IB_TOKEN = later('every request needs the token of token_file, so there is no login of its own', {
  value: TRUE,
  says: 'nothing that it asks for is switched on',
});
const API = 'there is one server, the control plane: set';

const DRONE = other('Drone CI');
const GITEA = other('Gitea');
const GRAFANA = other('Grafana');
const POSTGRES_IMAGE = other(
  "PostgreSQL's Docker image; here it is DATABASE_URL, or DB_HOST, DB_USER, DB_PASSWORD, DB_NAME",
);
const DEPLOYMENT = other('a deployment script');
const COMPOSE = other('Docker Compose');

/** Alphabetical. Names that a setting reads, alone or composed, are not here. */
export const SEED_NAMES: Readonly<Record<string, SeedName>> = {
  APP_HOST: replaced(`${API} API_HOST`),
  APP_PORT: replaced(`${API} API_PORT`),
  BACKTEST_WORKER_REPLICAS: REPLICAS,
  COLLECTION_INTERVAL: later('nothing collects option chains in this version'),
  DEPLOY_HOST: DEPLOYMENT,
  DEPLOY_USER: DEPLOYMENT,
  DRONE_COMMIT_SHA: DRONE,
  DRONE_GITEA_CLIENT_ID: DRONE,
  DRONE_GITEA_CLIENT_SECRET: DRONE,
  DRONE_GITEA_SERVER: DRONE,
  DRONE_RPC_HOST: DRONE,
  DRONE_RPC_PROTO: DRONE,
  DRONE_RPC_SECRET: DRONE,
  DRONE_RUNNER_CAPACITY: DRONE,
  DRONE_SERVER_HOST: DRONE,
  DRONE_SERVER_PROTO: DRONE,
  GF_ADMIN_PASSWORD: GRAFANA,
  GF_SECURITY_ADMIN_PASSWORD: GRAFANA,
  GHCR_TOKEN: other("GitHub's container registry; there is no image to pull"),
  GITEA_CLIENT_ID: GITEA,
  GITEA_CLIENT_SECRET: GITEA,
  GITEA__database__DB_TYPE: GITEA,
  GITEA__database__HOST: GITEA,
  GIT_REF: DEPLOYMENT,
  GPU_DEVICE: replaced(
    'an agent offers every GPU that it sees: show its container only the devices it may use',
  ),
  GRAFANA_PASSWORD: GRAFANA,
  IB_AUTH_ENABLED: IB_TOKEN,
  IB_AUTH_TYPE: later('every request needs the token of token_file, so there is no login of its own'),
  IB_CONNECTOR_URL: replaced(IB_DIRECT),
  IB_HOST_SERVICE_URL: replaced(IB_DIRECT),
  IB_USE_HOST_SERVICE: replaced(IB_DIRECT, NO_IB_DATA),
  IMAGE_TAG: COMPOSE,
  JWT_SECRET: later(
    'there are no accounts in this version: programs send the token of token_file. Never set it on agents',
  ),
  ML_API_HOST: replaced(`${API} API_HOST`),
  ML_API_PORT: replaced(`${API} API_PORT`),
  ML_API_URL: replaced('there is one API: set KTRDR_API_URL'),
  MODEL_PATH: later('nothing trains or predicts in this version, so there are no models'),
  OTLP_ENDPOINT: later(
    'no traces are sent in this version; agents and control plane serve /metrics for Prometheus',
  ),
  POSTGRES_DB: POSTGRES_IMAGE,
  POSTGRES_PASSWORD: POSTGRES_IMAGE,
  POSTGRES_USER: POSTGRES_IMAGE,
  REDIS_PASSWORD: LEASES,
  REDIS_URL: LEASES,
  REMOTE_BACKTEST_SERVICE_URL: PULLED,
  SERVICE_MODE: replaced(
    `${EVERY_KIND}; KTRDR_ROLE says whether it is an agent or the control plane`,
    TRAINS,
  ),
  TAG: COMPOSE,
  TRAINING_HOST_SERVICE_URL: PULLED,
  TRAINING_WORKER_REPLICAS: REPLICAS,
  USER_GID: GITEA,
  USER_UID: GITEA,
  USE_IB_HOST_SERVICE: replaced(IB_DIRECT, NO_IB_DATA),
  USE_REMOTE_BACKTEST_SERVICE: LOCAL,
  USE_TRAINING_HOST_SERVICE: LOCAL,
  VERSION: COMPOSE,
  WORKER_HOSTNAME: replaced(
    'an agent is named after its host; where that name does not lead to it, set WORKER_ENDPOINT_URL',
  ),
  WORKER_IDS: DEPLOYMENT,
  WORKER_TYPE: replaced(EVERY_KIND, TRAINS),
};

/** Keys of the settings files that those documents show, and what to write instead. */
export const SEED_KEYS: Readonly<Record<string, string>> = {
  backend_url: 'write api_url',
  health_check_interval:
    'write heartbeat with a unit, such as "heartbeat: 10s"; agents report, nobody asks them',
  network: 'leave it out: only api_url and, where it is not found by itself, worker_endpoint_url matter',
  worker_endpoint_mode:
    'leave it out: the address is that of the connection to the control plane; worker_endpoint_url names another',
};

/** Variables of this product that are no settings, and what reads them. */
export const OWN_NAMES: Readonly<Record<string, string>> = {
  KTRDR_BUN_INSTALLER: 'scripts of installers/: the install script of Bun, where npm is absent',
  KTRDR_DEV_DIR: '`ktrdr-agent dev` and whatever looks for its fleet: the directory of that fleet',
  KTRDR_NO_APT: 'installers/test.sh: 1 installs no Debian packages',
  KTRDR_REPORTS: 'installers/quickstart.sh: where its reports go',
  KTRDR_SETTINGS: 'every command: the settings file; default /etc/ktrdr/agent.yaml',
  KTRDR_SHIM: 'set by an agent for its job processes',
  KTRDR_TOOLS: 'scripts of installers/: where Bun is put when it is missing',
};
