import { afterAll, beforeAll, expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { registration } from '#test/support/store-fleet';
import { findNode, markStopped, recordHeartbeat, upsertNode } from './nodes';

describeOnEachServer('nodes', (server) => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase(server);
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  const nodeId = 'a'.repeat(32);
  const sql = () => fresh.database.sql;
  const stoppedAgeMs = async () => present(await findNode(sql(), nodeId), 'node').stoppedAgeMs;
  const load = { load1: null, memoryAvailableBytes: null };
  const beatOf = ({ instance, slots, capabilities }: ReturnType<typeof registration>) => ({
    instance,
    slots,
    free_slots: slots,
    capabilities,
    load,
    leases: [],
  });

  test('what was on its way when an agent said goodbye does not bring it back', async () => {
    const first = registration(nodeId, 'first', 2);
    await upsertNode(sql(), first);
    expect(await stoppedAgeMs()).toBeNull();
    expect(await markStopped(sql(), nodeId, first.instance)).toBe(true);
    expect(await recordHeartbeat(sql(), nodeId, beatOf(first))).toBe(true);
    await upsertNode(sql(), first);
    expect(await stoppedAgeMs()).not.toBeNull();
  });

  test('its next start brings it back, and a goodbye of the start before is refused', async () => {
    const before = present(await findNode(sql(), nodeId), 'node');
    const next = registration(nodeId, 'first', 2);
    await upsertNode(sql(), next);
    expect(await stoppedAgeMs()).toBeNull();
    expect(await markStopped(sql(), nodeId, before.instance)).toBe(false);
    expect(await recordHeartbeat(sql(), nodeId, beatOf(next))).toBe(true);
    expect(await stoppedAgeMs()).toBeNull();
  });
});
