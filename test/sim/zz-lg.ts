import { LAN } from '#agent/gossip/core/settings';
import { countFalseAlarms, LIFEGUARD_OFF, STARVED, withoutBuddies } from './lifeguard';
for (const g of [STARVED, {...STARVED, pauseMsMin: 2000, pauseMsMax: 8000}, {...STARVED, pauseMsMin: 1000, pauseMsMax: 5000, awakeMsMax: 500}, {...STARVED, pauseMsMin: 8000, pauseMsMax: 20000, awakeMsMax: 100, pausing: 10}]) {
 console.log('off', countFalseAlarms({...g, settings: LIFEGUARD_OFF, distort: withoutBuddies}));
 console.log('on ', countFalseAlarms({...g, settings: LAN}));
 console.log('mute off', countFalseAlarms({...g, settings: {...LAN, stallMs: Infinity}}));
}
