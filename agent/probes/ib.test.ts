import { describe, expect, test } from 'bun:test';
import { exec } from '#agent/kit/exec';
import { freePort } from '#test/support/free-port';
import { netNamespaces, netNamespacesMissing } from '#test/support/net-namespaces';
import { CONNECT_TIMEOUT_MS, ibProbe } from './ib';
import type { Finding } from './probe';
import { emptyHost } from './recording/recorded-host';

async function look(ib: { host: string; port: number } | undefined): Promise<Finding<unknown>> {
  return await ibProbe({ ib }).probe(emptyHost);
}

describe('the IB probe', () => {
  test('is absent where no access is set, and says which settings set it', async () => {
    const finding = await look(undefined);
    expect(finding).toMatchObject({ state: 'absent', reason: 'no IB access is set' });
    expect(finding.derivation[0]).toContain('IB_HOST, IB_PORT');
  });

  test('measures a connection, and claims no more than that', async () => {
    using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
    const finding = await look({ host: '127.0.0.1', port: server.port });
    if (finding.state !== 'present') throw new Error(finding.reason);
    expect(finding.value).toEqual({ host: '127.0.0.1', port: server.port, connectMs: expect.any(Number) });
    expect(finding.derivation[0]).toContain('not one of the usual ports');
    expect(finding.derivation[1]).toContain('the API handshake is not tried by this version');
  });

  test('reaches a gateway at an IPv6 address', async () => {
    using server = Bun.listen({ hostname: '::1', port: 0, socket: { data: () => undefined } });
    const finding = await look({ host: '::1', port: server.port });
    expect(finding.derivation[0]).toStartWith(`[::1]:${server.port} answers`);
  });

  test('tells a refusal from a name that there is not, each with its fix', async () => {
    const port = await freePort();
    const refused = await look({ host: '127.0.0.1', port });
    expect(refused).toMatchObject({ state: 'absent', reason: `127.0.0.1:${port} refuses connections` });
    expect(refused.derivation[0]).toContain('Enable ActiveX and Socket Clients');
    for (const usual of ['4001', '4002', '7496', '7497']) expect(refused.derivation[0]).toContain(usual);

    const unknown = await look({ host: 'no-such-host.invalid', port: 4002 });
    expect(unknown).toMatchObject({
      state: 'absent',
      reason: expect.stringContaining('there is no such host name'),
    });
    expect(unknown.derivation[0]).toContain('correct ib_host (IB_HOST)');
  });
});

const missing = await netNamespacesMissing('the IB probe towards a machine that is off');

test.skipIf(missing)(
  'gives up on a machine that is off, within its time',
  async () => {
    await using namespaces = await netNamespaces(1);
    const { ip, within } = namespaces.left;
    await ip('addr add 198.18.0.1/24 dev eth0');
    const script = `
    const { ibProbe } = await import('${import.meta.dir}/ib');
    const startMs = performance.now();
    const finding = await ibProbe({ ib: { host: '198.18.0.77', port: 4002 } }).probe();
    console.log(JSON.stringify({ finding, tookMs: performance.now() - startMs }));
    process.exit();`;
    const { stdout } = await exec(within([process.execPath, '-e', script]), { timeoutMs: 20_000 });
    const { finding, tookMs } = JSON.parse(stdout) as { finding: Finding<unknown>; tookMs: number };
    expect(tookMs).toBeLessThan(CONNECT_TIMEOUT_MS + 500);
    expect(finding).toMatchObject({
      state: 'absent',
      reason: '198.18.0.77:4002 does not answer (ETIMEDOUT)',
    });
    expect(finding.derivation[0]).toContain('Trusted IPs');
  },
  60_000,
);
