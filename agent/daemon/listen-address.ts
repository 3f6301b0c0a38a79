import { Fault } from '#agent/kit/error';
import { isLoopbackAddress } from '#agent/kit/ip-address';

/** Fault(settings) for an address that others can reach, since nothing here speaks TLS yet. */
export function requireLoopbackOrInsecure(setting: string, host: string, insecure: boolean): void {
  if (insecure || isLoopbackAddress(host)) return;
  throw new Fault('settings', `Cannot listen on ${host}: without TLS that is only allowed on loopback`, {
    hint: `set ${setting} to 127.0.0.1, or insecure to true (KTRDR_INSECURE) if the network is yours alone`,
  });
}
