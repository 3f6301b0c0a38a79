/** `bun test/sim/spread-campaign.ts --nodes 1000 [--changes 10]`: a change of tags at 0, 5 and 30 % loss. */
import { parseArgs } from 'node:util';
import { measureSpread, serfFormulaMs } from './spread';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000' }, changes: { type: 'string', default: '10' } },
});
const nodes = Number(values.nodes);
for (const loss of [0, 0.05, 0.3]) {
  const spread = measureSpread({ seed: 1, nodes, loss, changes: Number(values.changes) });
  const formulaMs = Math.round(serfFormulaMs(nodes, loss));
  console.log(`${nodes} members, loss ${loss}: ${JSON.stringify(spread)}, Serf's formula ${formulaMs} ms`);
}
