import { expect, test } from 'bun:test';
import { Fleet } from '#test/support/fleet';

/** Less than requests under way are given: whoever polls or watches must not be waited for. */
const STOP_MS_MAX = 2500;

test('the control plane stops at once while agents poll and somebody watches', async () => {
  await using fleet = await Fleet.start({ agents: 2, lease: '30s', heartbeat: '5s' });
  const headers = { authorization: `Bearer ${fleet.token}` };
  const events = await fetch(`${fleet.apiUrl}/api/v1/events`, { headers });
  expect(events.status).toBe(200);
  const watched = events.text();
  const startMs = performance.now();
  fleet.control.signal('SIGTERM');
  expect(await fleet.control.ended()).toBe(0);
  const tookMs = performance.now() - startMs;
  console.log(`stopped in ${tookMs.toFixed(0)} ms`);
  expect(tookMs).toBeLessThan(STOP_MS_MAX);
  // The stream came to its end, it was not torn.
  expect(await watched).toContain(': keep-alive');
  fleet.control.start();
  await fleet.untilControlAnswers();
  await fleet.untilWorkers(2);
  await fleet.stop();
}, 120_000);
