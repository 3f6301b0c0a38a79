import { describe, expect, test } from 'bun:test';
import { OWN_NAMES, SEED_NAMES } from '#agent/contract/seed-names';
import { Fault } from '#agent/kit/error';
import { READ_NAMES } from './setting-warnings';
import { describeSettingOrigin, loadSettings } from './settings';

/** Every environment name of the five documents that this product comes from, by the document. */
const SEEDS: Readonly<Record<string, string>> = {
  'adr-006-deployment-evolution': `DATABASE_URL DB_PASSWORD DB_USER DEPLOY_HOST DEPLOY_USER DRONE_COMMIT_SHA
    DRONE_GITEA_CLIENT_ID DRONE_GITEA_CLIENT_SECRET DRONE_GITEA_SERVER DRONE_RPC_HOST DRONE_RPC_PROTO
    DRONE_RPC_SECRET DRONE_RUNNER_CAPACITY DRONE_SERVER_HOST DRONE_SERVER_PROTO GF_SECURITY_ADMIN_PASSWORD
    GITEA_CLIENT_ID GITEA_CLIENT_SECRET GITEA__database__DB_TYPE GITEA__database__HOST GRAFANA_PASSWORD
    IB_GATEWAY_HOST IB_GATEWAY_PORT JWT_SECRET KTRDR_API_URL POSTGRES_DB POSTGRES_PASSWORD POSTGRES_USER
    REDIS_PASSWORD REDIS_URL SERVICE_MODE SHARED_DATA_PATH USER_GID USER_UID VERSION`,
  'distributed-training-backtesting-phases-5-6': `GIT_REF IB_HOST_SERVICE_URL KTRDR_API_URL
    REMOTE_BACKTEST_SERVICE_URL TRAINING_HOST_SERVICE_URL USE_IB_HOST_SERVICE USE_REMOTE_BACKTEST_SERVICE
    USE_TRAINING_HOST_SERVICE WORKER_ENDPOINT_URL WORKER_ID WORKER_IDS WORKER_IP WORKER_PORT WORKER_TYPE`,
  'multi-machine-options-deployment': `APP_HOST APP_PORT COLLECTION_INTERVAL DATABASE_URL GPU_DEVICE
    IB_CLIENT_ID IB_HOST IB_PORT ML_API_HOST ML_API_PORT ML_API_URL MODEL_PATH`,
  'phase-0-ib-host-service': `IB_AUTH_ENABLED IB_AUTH_TYPE IB_CONNECTOR_URL IB_HOST_SERVICE_URL
    IB_USE_HOST_SERVICE USE_IB_HOST_SERVICE`,
  'pre-production-architecture': `BACKTEST_WORKER_REPLICAS DB_HOST DB_NAME DB_PASSWORD DB_PORT DB_USER
    GF_ADMIN_PASSWORD GHCR_TOKEN IMAGE_TAG JWT_SECRET KTRDR_API_URL OTLP_ENDPOINT SHARED_MOUNT_PATH TAG
    TRAINING_WORKER_REPLICAS WORKER_HOSTNAME WORKER_PORT WORKER_PUBLIC_BASE_URL WORKER_TYPE`,
};

/** The documents' own values of names that are read. */
const SEED_VALUES: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgresql://user:pass@db.lan:5432/options_db',
  DB_HOST: 'backend.ktrdr.home.mynerd.place',
  DB_PORT: '5432',
  IB_CLIENT_ID: '1',
  IB_GATEWAY_PORT: '4002',
  IB_PORT: '7497',
  KTRDR_API_URL: 'http://backend:8000/api/v1',
  SHARED_DATA_PATH: '/mnt/ktrdr-data',
  SHARED_MOUNT_PATH: '/mnt/shared',
  WORKER_ENDPOINT_URL: 'http://192.168.1.201:5003',
  WORKER_IP: '0.0.0.0',
  WORKER_PORT: '5003',
  WORKER_PUBLIC_BASE_URL: 'http://workers-b.ktrdr.home.mynerd.place:5003',
};

const load = (environment: Record<string, string>, file = '') =>
  loadSettings({
    uid: 1000,
    environment: { HOME: '/home/ann', ...environment },
    readFile: (path) => (path === '/etc/ktrdr/agent.yaml' ? file : undefined),
  });
const said = (environment: Record<string, string>, file = ''): string[] =>
  load(environment, file).warnings.map(({ message }) => message);

describe('names of the seeds', () => {
  const names = Object.entries(SEEDS).flatMap(([document, text]) =>
    text.split(/\s+/).map((name) => [name, document] as const),
  );

  test.each(names)('%s of %s is accepted or answered', (name) => {
    const seed = SEED_NAMES[name];
    const setting = READ_NAMES.get(name);
    // Exactly one of the two: a name that is read needs no answer.
    expect(setting === undefined).toBe(seed !== undefined);
    const environment = { DB_HOST: 'db.lan', [name]: SEED_VALUES[name] ?? 'x' };
    const { warnings, given } = load(environment, 'role: control\n');
    expect(warnings).toHaveLength(seed === undefined || seed.kind === 'other' ? 0 : 1);
    if (setting === undefined) return;
    const origins = given[setting as keyof typeof given].map(({ origin }) => describeSettingOrigin(origin));
    expect(origins.join(' ')).toContain(name);
  });

  test('nothing is answered that nobody set', () => {
    expect(names.length).toBeGreaterThan(70);
    const known = new Set(names.map(([name]) => name));
    expect(Object.keys(SEED_NAMES).filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(SEED_NAMES)).toEqual(Object.keys(SEED_NAMES).toSorted());
    expect(Object.keys(OWN_NAMES).filter((name) => READ_NAMES.has(name))).toEqual([]);
  });

  test('a value that would be dangerous to ignore says what happens instead', () => {
    expect(said({ USE_IB_HOST_SERVICE: 'true' })[0]).toContain('no bars come from Interactive Brokers');
    expect(said({ USE_IB_HOST_SERVICE: 'false' })[0]).toContain('IB_HOST and IB_PORT');
    expect(said({ USE_TRAINING_HOST_SERVICE: 'false' })[0]).toContain('without an agent nothing runs');
    expect(said({ WORKER_TYPE: 'training' })[0]).toContain('other kinds of work as well');
  });

  test('an empty value is none', () => {
    expect(said({ REDIS_URL: '', KTRDR_API_ULR: '' })).toEqual([]);
  });
});

describe('names that look like ours', () => {
  test('are told with the nearest one, and stop nothing', () => {
    const { warnings } = load({ KTRDR_API_ULR: 'http://nas:8000', WORKER_PROT: '1', KTRDR_ZZZZZZ: '1' });
    expect(warnings).toEqual([
      {
        name: 'KTRDR_API_ULR',
        message: 'KTRDR_API_ULR is not read: this version has no such setting',
        hint: 'did you mean KTRDR_API_URL?',
      },
      {
        name: 'KTRDR_ZZZZZZ',
        message: 'KTRDR_ZZZZZZ is not read: this version has no such setting',
        hint: '`ktrdr-agent config --json` lists every name',
      },
      {
        name: 'WORKER_PROT',
        message: 'WORKER_PROT is not read: this version has no such setting',
        hint: 'did you mean WORKER_PORT?',
      },
    ]);
  });

  test('are ours when a script or another command reads them; others of WORKER_ are somebody else’s', () => {
    expect(said({ KTRDR_DEV_DIR: '/x', KTRDR_TEST_LEASE_S: '3', WORKER_CONCURRENCY: '8' })).toEqual([]);
  });
});

describe('a database in pieces', () => {
  const parts = { DB_HOST: 'db.lan', DB_USER: 'ann', DB_PASSWORD: 'p@ss/word', DB_NAME: 'bars' };
  const control = 'role: control\n';

  test('is composed, and says from what', () => {
    const { values, origins, warnings } = load({ ...parts, DB_PORT: '6000' }, control);
    expect(values.database_url).toBe('postgresql://ann:p%40ss%2Fword@db.lan:6000/bars');
    expect(origins.database_url).toEqual({
      from: 'environment',
      name: 'DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER',
    });
    expect(warnings).toEqual([]);
    expect(load({ DB_HOST: '::1' }, control).values.database_url).toBe('postgresql://[::1]:5432/ktrdr');
  });

  test('is not read without a host', () => {
    const { values, warnings } = load({ DB_USER: 'ann', DB_PASSWORD: 'secret' }, control);
    expect(values.database_url).toBeUndefined();
    expect(warnings[0]?.message).toBe(
      'DB_PASSWORD, DB_USER are not read without DB_HOST: the control plane runs its own PostgreSQL',
    );
    expect(JSON.stringify(warnings)).not.toContain('secret');
  });

  test('beside a URL must say the same, or the start is refused without a word of secrets', () => {
    const url = 'postgres://ann:p%40ss%2Fword@db.lan/bars';
    expect(load({ ...parts, DATABASE_URL: url }, control).values.database_url).toBe(url);
    const both = (): unknown => load({ ...parts, DATABASE_URL: 'postgres://bob:other@db.lan/bars' }, control);
    expect(both).toThrow('database_url and DB_PASSWORD, DB_USER say different things');
    try {
      both();
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect(JSON.stringify(error) + String(error)).not.toMatch(/p@ss|other@|p%40ss/);
    }
  });

  test('goes behind a flag like every variable, without a word', () => {
    const { values } = loadSettings({
      uid: 1000,
      environment: { HOME: '/home/ann', ...parts, DATABASE_URL: '' },
      flags: { role: 'control', database_url: 'postgres://elsewhere/x' },
      readFile: () => '',
    });
    expect(values.database_url).toBe('postgres://elsewhere/x');
  });

  test('is nothing for an agent, which is said', () => {
    expect(said(parts)[0]).toContain('an agent needs no database');
  });
});
