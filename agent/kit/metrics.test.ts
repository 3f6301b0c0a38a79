import { describe, expect, test } from 'bun:test';
import { createMetrics } from './metrics';

describe('createMetrics()', () => {
  test('says which program this is, and how its event loop keeps up', async () => {
    const text = await createMetrics().metrics();
    expect(text).toMatch(/^ktrdr_build_info\{version="\S+",commit="\S+",target="\S+"\} 1$/m);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
    expect(text).not.toContain('nodejs_heap_space_size');
  });

  test('keeps two registries of one process apart', () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.clear();
    expect(second.getSingleMetric('ktrdr_build_info')).toBeDefined();
  });
});
