import { Fault } from '#agent/kit/error';

/** Fault(settings) for an address that others can reach, since nothing here speaks TLS yet. */
export function requireLoopbackOrInsecure(setting: string, host: string, insecure: boolean): void {
  if (insecure || isLoopback(host)) return;
  throw new Fault('settings', `Cannot listen on ${host}: without TLS that is only allowed on loopback`, {
    hint: `set ${setting} to 127.0.0.1, or insecure to true (KTRDR_INSECURE) if the network is yours alone`,
  });
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
