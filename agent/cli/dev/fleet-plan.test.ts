import { expect, test } from 'bun:test';
import { loadSettings } from '#agent/daemon/settings';
import { present } from '#agent/kit/assert';
import { memberSettings, planFleet, runtimeRoot, type FleetWish } from './fleet-plan';
import { memberEnvironment } from './member-process';

function wish(more: Partial<FleetWish> = {}): FleetWish {
  let port = 5003;
  return {
    directory: '/dev-fleet',
    uid: 1000,
    agents: undefined,
    controlPort: 8000,
    nextAgentPort: () => port++,
    ...more,
  };
}

test('a new fleet is a control plane and two agents, with directories of their own', () => {
  const { fleet } = planFleet(wish(), undefined);
  expect(fleet.members.map(({ name, role, port }) => [name, role, port])).toEqual([
    ['control', 'control', 8000],
    ['agent-1', 'worker', 5003],
    ['agent-2', 'worker', 5004],
  ]);
  for (const key of ['state_dir', 'runtime_dir', 'cache_dir', 'settings_file', 'log_file'] as const) {
    expect(new Set(fleet.members.map((member) => member[key])).size).toBe(3);
  }
});

test('what is there keeps its place; more agents are added, the last ones are surplus', () => {
  const { fleet: first } = planFleet(wish({ agents: 1 }), undefined);
  const more = wish({ agents: 3, nextAgentPort: () => 6000, controlPort: 1 });
  const { fleet: grown, surplus } = planFleet(more, first);
  expect(grown.members.slice(0, 2)).toEqual(first.members);
  expect(grown.members.map(({ port }) => port)).toEqual([8000, 5003, 6000, 6000]);
  expect(surplus).toEqual([]);
  expect(planFleet(wish(), grown)).toEqual({ fleet: grown, surplus: [] });
  expect(planFleet(wish({ agents: 1 }), grown)).toEqual({ fleet: first, surplus: grown.members.slice(2) });
  const { fleet: none } = planFleet(wish({ agents: 0 }), grown);
  expect(planFleet(wish(), none).fleet.members.map(({ name }) => name)).toEqual(['control']);
});

test('sockets have short paths, wherever the fleet is', () => {
  const deep = `/home/${'a-long-name/'.repeat(12)}fleet`;
  for (const directory of ['/var/lib/ktrdr-dev', deep]) {
    const shim = `${runtimeRoot({ directory, uid: 1000 })}/agent-64/shims/00000000-0000-4000-8000-000000000000/socket`;
    expect(Buffer.byteLength(shim)).toBeLessThanOrEqual(107);
  }
  expect(runtimeRoot({ directory: deep, uid: 1 })).not.toBe(runtimeRoot({ directory: `${deep}2`, uid: 1 }));
});

test('the files of the members are settings that the daemon accepts', () => {
  const { fleet } = planFleet(wish(), undefined);
  const [control, agent] = fleet.members.map((member) => {
    const readFile = (): string => memberSettings(fleet, member, 3);
    return loadSettings({ environment: {}, uid: 1000, settingsPath: member.settings_file, readFile }).values;
  });
  expect(present(control, 'control')).toMatchObject({
    role: ['control'],
    api_port: 8000,
    token_file: fleet.token_file,
  });
  expect(present(agent, 'agent')).toMatchObject({
    role: ['worker'],
    api_url: 'http://127.0.0.1:8000',
    worker_port: 5003,
    worker_id: 'agent-1',
    slots: 3,
    token_file: fleet.token_file,
  });
  expect(present(agent, 'agent').gossip_keyring).toBe(present(control, 'control').gossip_keyring);
});

test('members inherit nothing that would move them, and the knobs of time', () => {
  const environment = {
    PATH: '/bin',
    DATABASE_URL: 'postgres://x',
    WORKER_PORT: '1',
    KTRDR_SETTINGS: '/x',
    KTRDR_LEASE: '9s',
  };
  expect(memberEnvironment({ ...environment, NOTIFY_SOCKET: '/n', EMPTY: undefined })).toEqual({
    PATH: '/bin',
    KTRDR_LEASE: '9s',
  });
});
