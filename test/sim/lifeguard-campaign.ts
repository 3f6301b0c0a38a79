/**
 * Lifeguard at work, in figures: `bun test/sim/lifeguard-campaign.ts [--hours 1000]`. First the group that
 * stands still, with Lifeguard off and on; then node-hours at 5 % loss in which nothing may be called failed.
 */
import { parseArgs } from 'node:util';
import { LAN } from '#agent/gossip/core/settings';
import { countFalseAlarms, LIFEGUARD_OFF, STARVED, withoutBuddies } from './lifeguard';

const { values } = parseArgs({ options: { hours: { type: 'string', default: '1000' } } });

const off = countFalseAlarms({ ...STARVED, settings: LIFEGUARD_OFF, distort: withoutBuddies });
const on = countFalseAlarms({ ...STARVED, settings: LAN });
console.log('off', JSON.stringify(off));
console.log('on', JSON.stringify(on));

const CALM = { ...STARVED, pausing: 0, loss: 0.05, settings: LAN };
const total = { ofAll: 0, suspicions: 0, nodeHours: 0 };
for (let seed = 1; total.nodeHours < Number(values.hours); seed++) {
  const nodes = 3 + ((seed * 7) % 48);
  const { ofAll, suspicions, nodeHours } = countFalseAlarms({ ...CALM, seed, nodes, minutes: 60 });
  total.ofAll += ofAll;
  total.suspicions += suspicions;
  total.nodeHours += nodeHours;
}
console.log('5 % loss, no pauses', JSON.stringify(total));
if (total.ofAll > 0) process.exitCode = 1;
