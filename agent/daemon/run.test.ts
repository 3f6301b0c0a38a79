import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerHealthSchema } from '#agent/contract/fleet';
import { ControlPeer, PEER_TOKEN } from '#test/support/control-peer';
import { freePort } from '#test/support/free-port';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

const MAIN = join(import.meta.dir, '../main.ts');

interface Daemon extends AsyncDisposable {
  readonly url: string;
  readonly child: Bun.Subprocess;
  log(): string;
}

interface DaemonOptions {
  folder: string;
  apiUrl: string;
  port?: number;
  environment?: Record<string, string>;
}

let daemons = 0;

/** A worker as its own process, on directories in `folder`. */
async function startDaemon({ folder, apiUrl, port, environment = {} }: DaemonOptions): Promise<Daemon> {
  const workerPort = port ?? (await freePort());
  daemons += 1;
  const logPath = join(folder, `log-${daemons}`);
  mkdirSync(join(folder, 'state'), { recursive: true });
  writeFileSync(join(folder, 'state', 'token'), `${PEER_TOKEN}\n`, { mode: 0o600 });
  const child = Bun.spawn([process.execPath, MAIN, 'run'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      KTRDR_ROLE: 'worker',
      KTRDR_API_URL: apiUrl,
      KTRDR_STATE_DIR: join(folder, 'state'),
      KTRDR_RUNTIME_DIR: join(folder, 'run'),
      KTRDR_CACHE_DIR: join(folder, 'cache'),
      WORKER_PORT: String(workerPort),
      ...environment,
    },
    stdin: 'ignore',
    stdout: Bun.file(`${logPath}.out`),
    stderr: Bun.file(logPath),
  });
  return {
    url: `http://127.0.0.1:${workerPort}`,
    child,
    log: () => (existsSync(logPath) ? readFileSync(logPath, 'utf8') : ''),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

async function healthOf({ url }: Daemon) {
  return workerHealthSchema.parse(await (await fetch(`${url}/health`)).json());
}

describe('runDaemon() as a worker', () => {
  test('registers, serves its health, and leaves with a goodbye on SIGTERM', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    await using daemon = await startDaemon({ folder: folder.path, apiUrl: peer.url });
    const registration = await waitUntil('the registration', () => peer.registrations[0], {
      timeoutMs: 15_000,
    });
    expect(registration.endpoint_url).toBe(daemon.url);
    expect(registration.slots).toBeGreaterThan(0);
    const health = await waitUntil('a reachable control plane', async () => {
      const now = await healthOf(daemon);
      return now.control_plane.reachable ? now : undefined;
    });
    expect(health).toMatchObject({ worker_id: registration.worker_id, worker_status: 'idle' });
    daemon.child.kill('SIGTERM');
    expect(await daemon.child.exited).toBe(0);
    expect(peer.stops).toEqual([registration.worker_id]);
    expect(daemon.log()).not.toContain('level=error');
  });

  test('takes its slots from its profile, and starts although names are not read, which it says once', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    const environment = { KTRDR_PROFILE: 'dev', USE_IB_HOST_SERVICE: 'true', KTRDR_SLOST: '9' };
    await using daemon = await startDaemon({ folder: folder.path, apiUrl: peer.url, environment });
    const { capabilities, slots } = await waitUntil('the registration', () => peer.registrations[0], {
      timeoutMs: 15_000,
    });
    expect(capabilities.slots).toMatchObject({
      state: 'present',
      value: { slots },
      derivation: expect.arrayContaining([expect.stringMatching(/^50% of [\d.]+ usable cores?: \d+$/)]),
    });
    const log = daemon.log();
    expect(log.match(/USE_IB_HOST_SERVICE is not read: in this version no bars come/g)).toHaveLength(1);
    expect(log).toContain('did you mean KTRDR_SLOTS?');
    expect(log).toMatch(/message=slots slots=\d+ .*derivation=/);
  });

  test('tells of IB access and the share that its settings name', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    using gateway = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
    const environment = {
      IB_GATEWAY_HOST: '127.0.0.1',
      IB_GATEWAY_PORT: String(gateway.port),
      SHARED_DATA_PATH: folder.path,
      KTRDR_PROXMOX_HOST: 'pve1',
    };
    await using daemon = await startDaemon({ folder: folder.path, apiUrl: peer.url, environment });
    const capabilities = await waitUntil(
      'a heartbeat with what takes longer to find',
      () => peer.heartbeats.map((beat) => beat.capabilities).find(({ ib, share }) => ib && share),
      { timeoutMs: 15_000 },
    );
    expect(capabilities.ib).toMatchObject({ state: 'present', value: { port: gateway.port } });
    expect(capabilities.share).toMatchObject({ state: 'present', value: { writable: true, seenNodes: [] } });
    expect(capabilities.virtualisation).toMatchObject({ value: { proxmoxHost: 'pve1' } });
    const [registration] = peer.registrations;
    expect(existsSync(join(folder.path, '.ktrdr', 'nodes', registration?.worker_id ?? ''))).toBe(true);
    expect((await healthOf(daemon)).ib_available).toBe(true);
  });

  test('runs, says why, and leaves without a control plane', async () => {
    await using folder = await tempDir();
    const apiUrl = `http://127.0.0.1:${await freePort()}`;
    await using daemon = await startDaemon({ folder: folder.path, apiUrl });
    const health = await waitUntil('the reason', async () => {
      const now = await healthOf(daemon);
      return now.control_plane.reason?.includes('refused') ? now : undefined;
    });
    expect(health).toMatchObject({ healthy: true, control_plane: { reachable: false } });
    daemon.child.kill('SIGINT');
    expect(await daemon.child.exited).toBe(0);
  }, 60_000);

  test('a second agent on one state directory names the first and leaves it alone', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    await using first = await startDaemon({ folder: folder.path, apiUrl: peer.url });
    await waitUntil('the first', () => healthOf(first), { timeoutMs: 15_000 });
    await using second = await startDaemon({ folder: folder.path, apiUrl: peer.url });
    expect(await second.child.exited).toBe(1);
    expect(second.log()).toContain(`the agent with pid ${first.child.pid} uses it`);
    expect((await healthOf(first)).healthy).toBe(true);
  });

  test('refuses a taken port, other addresses without leave, and a missing api_url', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    const cases: [Record<string, string>, number, string][] = [
      [{ WORKER_PORT: new URL(peer.url).port }, 1, 'the port is taken'],
      [{ WORKER_IP: '0.0.0.0' }, 2, 'without TLS that is only allowed on loopback'],
      [{ KTRDR_API_URL: '' }, 2, 'neither api_url nor gossip_join is set'],
    ];
    for (const [environment, code, message] of cases) {
      await using daemon = await startDaemon({ folder: folder.path, apiUrl: peer.url, environment });
      expect(await daemon.child.exited).toBe(code);
      expect(daemon.log()).toContain(message);
    }
    expect(peer.registrations).toHaveLength(0);
  });
});
