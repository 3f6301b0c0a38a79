/**
 * A control peer as a process of its own, for a network namespace of its own: listens on every address
 * at the port of its first argument, and prints the URL of each registration on a line.
 */
import { ControlPeer } from '#test/support/control-peer';

const peer = new ControlPeer(Number(process.argv[2]), '::');
process.stdout.write('ready\n');
for (let printed = 0; ;) {
  for (const { endpoint_url } of peer.registrations.slice(printed)) {
    process.stdout.write(`${endpoint_url}\n`);
    printed += 1;
  }
  await Bun.sleep(20);
}
