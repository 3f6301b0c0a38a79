import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { findEndpoint } from '#agent/worker/endpoint-address';
import { explicitUrl, ownEndpoint } from './own-endpoint';
import { probeTargets } from './probe-targets';
import { loadSettings, type LoadedSettings } from './settings';

function settingsWith(environment: Record<string, string>, file?: string): LoadedSettings {
  return loadSettings({ environment, uid: 0, readFile: () => file });
}

describe('explicitUrl()', () => {
  const endpoint = 'http://192.168.1.201:5003';
  const base = 'http://workers-b.home.example:5003';

  test.each([
    [{}, undefined],
    [{ WORKER_ENDPOINT_URL: endpoint }, endpoint],
    [{ WORKER_PUBLIC_BASE_URL: base }, base],
    [{ WORKER_ENDPOINT_URL: endpoint, WORKER_PUBLIC_BASE_URL: base }, endpoint],
    [{ WORKER_ENDPOINT_URL: '', WORKER_PUBLIC_BASE_URL: base }, base],
  ])('of %o is %p', (environment: Record<string, string>, url) => {
    expect(explicitUrl(settingsWith(environment))?.url).toBe(url);
  });

  test('ranks the two settings before the places where they are set', () => {
    const settings = settingsWith({ WORKER_PUBLIC_BASE_URL: base }, `worker_endpoint_url: ${endpoint}\n`);
    expect(explicitUrl(settings)).toEqual({
      url: endpoint,
      setting: 'worker_endpoint_url (file /etc/ktrdr/agent.yaml)',
    });
  });

  test.each(['workers-b:5003', 'ftp://workers-b', '192.168.1.201'])(
    'refuses %j, which is no URL',
    (value) => {
      for (const name of ['WORKER_ENDPOINT_URL', 'WORKER_PUBLIC_BASE_URL']) {
        expect(() => settingsWith({ [name]: value })).toThrow(Fault);
      }
    },
  );
});

test('ownEndpoint() carries everything that the rules need', async () => {
  const failed = { state: 'failed', error: 'not looked at' } as const;
  const capabilities = { cpu: failed, disk: failed, memory: failed };
  const settings = settingsWith({ WORKER_IP: '10.0.0.7', KTRDR_API_URL: 'http://10.0.0.1:8000' });
  const options = ownEndpoint(settings, { hostname: 'lxc-101', workerPort: 5004, capabilities });
  expect(options).toMatchObject({ apiUrl: 'http://10.0.0.1:8000', hostname: 'lxc-101', interfaces: [] });
  expect((await findEndpoint(options)).url).toBe('http://10.0.0.7:5004');
});

describe('probeTargets()', () => {
  test.each([
    [{}, undefined],
    [
      { IB_HOST: '10.0.0.5', IB_PORT: '7497' },
      { host: '10.0.0.5', port: 7497 },
    ],
    [
      { IB_GATEWAY_HOST: '10.0.0.5', IB_GATEWAY_PORT: '4001' },
      { host: '10.0.0.5', port: 4001 },
    ],
    [{ IB_HOST: '10.0.0.5' }, { host: '10.0.0.5', port: 4002 }],
    [{ IB_PORT: '7496' }, { host: '127.0.0.1', port: 7496 }],
  ])('finds the IB access of %o at %o', (environment: Record<string, string>, ib) => {
    expect(probeTargets(settingsWith(environment).values, undefined).ib).toEqual(ib);
  });

  test('takes either name of the share, and the Proxmox host', () => {
    for (const name of ['SHARED_MOUNT_PATH', 'SHARED_DATA_PATH']) {
      expect(probeTargets(settingsWith({ [name]: '/mnt/shared' }).values, 'id').shareDirectory).toBe(
        '/mnt/shared',
      );
    }
    expect(probeTargets(settingsWith({ KTRDR_PROXMOX_HOST: 'pve1' }).values, 'id').proxmoxHost).toBe('pve1');
  });
});
