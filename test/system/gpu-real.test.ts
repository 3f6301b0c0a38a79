import { describe, expect, test } from 'bun:test';
import { gpuCapabilitySchema } from '#agent/contract/gpu-capability';
import { present } from '#agent/kit/assert';
import { describeError } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { systemHostWith } from '#agent/probes/host';
import { gpuReportSchema } from '#agent/probes/gpu/report';
import { nvidiaProbe } from '#agent/probes/nvidia';
import { readNvidiaSigns } from '#agent/probes/gpu/nvidia-signs';
import { BINARY } from '#test/support/fleet';

/** Proves the probe on real NVIDIA devices with the compiled binary, beside nvidia-smi; prints its figures. */
const host = systemHostWith([BINARY]);
const { nodes, hasDxg } = await readNvidiaSigns(host);
const noDevice = nodes.length === 0 && !hasDxg;
if (noDevice) console.log('skipped: this machine has no NVIDIA device');

describe.skipIf(noDevice)('real NVIDIA devices', () => {
  test('are proven by an allocation, and described as nvidia-smi does', async () => {
    const startMs = performance.now();
    const finding = await nvidiaProbe(undefined).probe(host);
    const tookMs = performance.now() - startMs;
    expect(finding.state).toBe('present');
    const gpus = gpuCapabilitySchema.parse('value' in finding ? finding.value : undefined);
    console.log(`looked in ${tookMs.toFixed(0)} ms: ${finding.derivation.join('; ')}`);
    expect(gpus.devices.map(({ allocation }) => allocation.state)).not.toContain('failed');

    const { stdout } = await exec(
      ['nvidia-smi', '--query-gpu=uuid,name,memory.total,driver_version', '--format=csv,noheader,nounits'],
      { timeoutMs: 30_000 },
    );
    const peers = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(', '));
    expect(gpus.devices.map(({ id, model }) => [id, model])).toEqual(
      peers.map(([uuid = '', name = '']) => [uuid, name]),
    );
    for (const [index, [, , totalMib, driver]] of peers.entries()) {
      expect(gpus.driver).toBe(driver ?? null);
      // nvidia-smi rounds to MiB.
      const totalBytes = present(
        gpus.devices[index]?.memoryTotalBytes ?? undefined,
        'the size of the memory',
      );
      expect(Math.abs(totalBytes / 2 ** 20 - Number(totalMib))).toBeLessThanOrEqual(1);
    }
  }, 60_000);

  test('keep no memory of ours once the process has ended', async () => {
    const used = async (): Promise<number[]> => {
      const { stdout } = await exec([BINARY, '__gpu'], { timeoutMs: 30_000 });
      return gpuReportSchema
        .parse(JSON.parse(stdout))
        .devices.map(({ memoryUsedBytes }) => memoryUsedBytes ?? 0);
    };
    const first = await used();
    for (let round = 0; round < 5; round++) await used();
    const last = await used();
    console.log(`memory in use before and after six looks: ${first.join(', ')}; ${last.join(', ')} bytes`);
    for (const [index, bytes] of last.entries())
      expect(bytes - (first[index] ?? 0)).toBeLessThan(64 * 2 ** 20);
  }, 120_000);

  test('are refused by a library directory without libraries, with what to do', async () => {
    const probing = nvidiaProbe('/nonexistent').probe(host);
    const failure = await probing.then(({ state }) => state, describeError);
    expect(failure).toContain('libnvidia-ml.so.1 is not');
  });
});
