import { describe, expect, test } from 'bun:test';
import type { Capabilities } from '#agent/contract/capability';
import { capabilitiesSchema } from '#agent/contract/capability';
import { SETTINGS, type SlotsSetting } from '#agent/contract/settings';
import { JOB_KINDS } from '#agent/jobs/registry';
import { silentLog } from '#agent/kit/log';
import { systemClock } from '#agent/kit/clock';
import { liveSlots } from './live-slots';
import { deriveSlots } from './slots';

const failed = { state: 'failed', error: 'not looked at' } as const;
const MIB = 2 ** 20;

function machine(usableCores: number | null, memoryMiB: number | null): Capabilities {
  const present = { state: 'present', derivation: [], probedAtMs: 0 } as const;
  const cores = usableCores ?? 1;
  const cpu = { model: 'x', logicalCores: 8, affinityCores: 8, quotaCores: cores, usableCores: cores };
  const usableBytes = (memoryMiB ?? 0) * MIB;
  const memory = { totalBytes: usableBytes, limitBytes: null, usableBytes, availableBytes: usableBytes };
  return {
    cpu: usableCores === null ? failed : { ...present, value: cpu, derivation: [] },
    disk: failed,
    memory: memoryMiB === null ? failed : { ...present, value: memory, derivation: [] },
  };
}

const rule = (slots: SlotsSetting, memoryPerSlotMiB = 512) => ({
  slots,
  memoryPerSlotBytes: memoryPerSlotMiB * MIB,
});

describe('deriveSlots()', () => {
  test.each([
    // cores, MiB, setting, slots, what the last sentence says
    [[6.9, 16_384], 'auto', 6, '6 by cores'],
    [[8, 2048], 'auto', 4, '4 by memory'],
    [[8, 2047], 'auto', 3, '3 by memory'],
    [[0.5, 4096], 'auto', 1, 'one slot all the same'],
    [[2, 256], 'auto', 1, 'one slot all the same'],
    [[null, null], 'auto', 1, '1 by cores'],
    [[null, 8192], 'auto', 1, '1 by cores'],
    [[4, null], 'auto', 4, '4 by cores'],
    [[16, 65_536], '50%', 8, '8 by cores'],
    [[3, 65_536], '50%', 1, '1 by cores'],
    [[16, 1024], '50%', 2, '2 by memory'],
    [[2, 65_536], 12, 12, '12 by the setting slots'],
    [[2, 65_536], 0, 0, '0 by the setting slots'],
    [[8, 1024], 8, 8, 'more slots than memory is counted for'],
  ] as const)('%p cores and MiB, slots: %p → %p', ([cores, memoryMiB], setting, slots, sentence) => {
    const derived = deriveSlots(machine(cores, memoryMiB), rule(setting));
    expect(derived.slots).toBe(slots);
    expect(derived.derivation.at(-1)).toContain(sentence);
  });

  test('counts the memory that the setting says', () => {
    expect(deriveSlots(machine(8, 8192), rule('auto', 2048))).toMatchObject({
      slots: 4,
      byCores: 8,
      byMemory: 4,
    });
    expect(deriveSlots(machine(8, 8192), rule('auto', 2048)).derivation).toEqual([
      '8 usable cores: 8',
      '8192 MiB of usable memory, 2GiB a slot: 4',
      '4 by memory',
    ]);
  });
});

test('by default a slot has the memory that every kind of work needs', () => {
  const { data: memoryPerSlotBytes = 0 } = SETTINGS.memory_per_slot.schema.safeParse(undefined);
  const needs = JOB_KINDS.map((kind) => kind.needs({}).memoryBytes);
  expect(needs.length).toBeGreaterThan(1);
  expect(memoryPerSlotBytes).toBeGreaterThanOrEqual(Math.max(...needs));
});

describe('liveSlots()', () => {
  test('follow the limits of a container, and shrinking ends nothing', () => {
    let facts = machine(4, 65_536);
    let held = 0;
    const slots = liveSlots({
      capabilities: () => facts,
      rule: rule('auto'),
      held: () => held,
      clock: systemClock,
      log: silentLog,
    });
    expect([slots.allowed(), slots.reported()]).toEqual([4, 4]);
    held = 3;
    facts = machine(2, 65_536);
    expect([slots.allowed(), slots.reported()]).toEqual([2, 3]);
    held = 1;
    expect([slots.allowed(), slots.reported()]).toEqual([2, 2]);
    held = 9;
    expect(slots.reported()).toBe(2);
    facts = machine(8, 65_536);
    expect([slots.allowed(), slots.reported()]).toEqual([8, 8]);
  });

  test('are a fact of the node, with their derivation', () => {
    const slots = liveSlots({
      capabilities: () => machine(0.5, 65_536),
      rule: rule('auto'),
      held: () => 0,
      clock: systemClock,
      log: silentLog,
    });
    const { slots: fact } = capabilitiesSchema.parse(slots.capabilities());
    expect(fact).toMatchObject({ state: 'present', value: { slots: 1, byCores: 0, byMemory: 128 } });
    expect(fact?.state === 'present' && fact.derivation).toEqual([
      '0.5 usable cores: 0',
      '65536 MiB of usable memory, 512MiB a slot: 128',
      'one slot all the same; work that needs more is refused when it is placed',
    ]);
  });
});
