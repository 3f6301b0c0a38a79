/**
 * How fast a change of tags reaches everybody in groups too large for this machine, simulated with the
 * core itself on a virtual network and clock, against the formula of Serf's convergence simulator:
 *
 *   bun test/bench/gossip-spread.bench.ts [--nodes 1000,10000] [--changes 10] [--seed 1]
 *
 * Default: 3 changes among 1,000 members; 10,000 take 18 GB of memory. Limit: 99.99 % know within the
 * formula's time, at 0, 5 and 30 % loss. Gossip alone, as in the formula, which knows neither probes nor
 * push/pull; --probes shows what the failure detector makes of a network that loses so much.
 */
import { parseArgs } from 'node:util';
import { measureSpread, serfFormulaMs } from '#test/sim/spread';

const LOSSES = [0, 0.05, 0.3];

const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '3' },
    probes: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
});
const changes = Number(options.changes);
const seed = Number(options.seed);

let within = true;
console.log(`${changes} changes each, milliseconds until so many know`);
console.log('members   loss    half   99.99 %   worst   formula   99.99 % / formula   incomplete');
for (const nodes of options.nodes.split(',').map(Number)) {
  for (const loss of LOSSES) {
    const { medianMs, p9999Ms, worstMs, incomplete } = measureSpread({
      seed,
      nodes,
      loss,
      changes,
      probes: options.probes,
    });
    const formulaMs = serfFormulaMs(nodes, loss);
    if (!(p9999Ms <= formulaMs)) within = false;
    const cells = [
      nodes.toLocaleString('en').padStart(7),
      `${loss * 100} %`.padStart(7),
      medianMs.toFixed(0).padStart(8),
      p9999Ms.toFixed(0).padStart(10),
      worstMs.toFixed(0).padStart(8),
      formulaMs.toFixed(0).padStart(10),
      (p9999Ms / formulaMs).toFixed(2).padStart(20),
      `${incomplete}`.padStart(13),
    ];
    console.log(cells.join(''));
  }
}
console.log(within ? 'within the limit' : 'OVER the limit');
process.exitCode = within ? 0 : 1;
