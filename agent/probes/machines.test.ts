import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilitiesSchema, loadSchema } from '#agent/contract/capability';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { systemHost } from './host';
import { readLoad } from './load';
import { recordedHost } from './recording/recorded-host';
import { RECORDED_TARGETS, replay } from './recording/recording';
import { allProbes } from './registry';
import { probeOnce } from './run';

/** UPDATE_GOLDEN=1 rewrites what each machine is expected to say; read the difference before you commit it. */
const UPDATE = Boolean(process.env.UPDATE_GOLDEN);
const FIXTURES = join(import.meta.dir, 'fixtures');
const expectation = capabilitiesSchema.extend({ load: loadSchema });
const machines = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted();

/** What operators have, by the issue that asked for the probes, and more. */
const MACHINES_MIN = 20;

test('each machine has a row in the README that says where it is from, and each row its machine', () => {
  const readme = readFileSync(join(FIXTURES, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ([a-z0-9-]+) \| .+ \| (?:recorded|written) from .+ \|$/gm)];
  expect(rows.map(([, name]) => name)).toEqual(machines);
  expect(machines.length).toBeGreaterThanOrEqual(MACHINES_MIN);
});

test('the set of probes is that of the contract', () => {
  const probed = Object.keys(allProbes(RECORDED_TARGETS));
  // Slots are reckoned from what the probes find, by the agent.
  const reckoned = new Set(['slots']);
  expect(probed).toEqual(Object.keys(capabilitiesSchema.shape).filter((name) => !reckoned.has(name)));
});

test.each(machines)('probes establish the facts and the load of %s', async (machine) => {
  const directory = join(FIXTURES, machine);
  const found = await replay(directory, { clock: systemClock, log: silentLog });
  const file = join(directory, 'expected.json');
  if (UPDATE) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
  expect(found).toEqual(expectation.parse(JSON.parse(readFileSync(file, 'utf8'))));
});

test('the disk is absent where its directory does not exist', async () => {
  const probes = allProbes({ ...RECORDED_TARGETS, cacheDirectory: '/nowhere' });
  const finding = await probes.disk.probe(await recordedHost(join(FIXTURES, 'kvm')));
  expect(finding).toEqual({ state: 'absent', reason: 'there is no directory /nowhere', derivation: [] });
});

test.skipIf(process.platform !== 'linux')('this machine has a processor, memory and a disk', async () => {
  const probes = allProbes({ stateDirectory: '/', cacheDirectory: '/' });
  const options = { probes, host: systemHost, clock: systemClock, log: silentLog, timeoutMs: 10_000 };
  const facts = await probeOnce(options);
  expect([facts.cpu, facts.disk, facts.memory].map((fact) => fact.state)).toEqual([
    'present',
    'present',
    'present',
  ]);
  const load = await readLoad(systemHost);
  expect(load.load1).toBeGreaterThanOrEqual(0);
  expect(load.memoryAvailableBytes).toBeGreaterThan(0);
});
