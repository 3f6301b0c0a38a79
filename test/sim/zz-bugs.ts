import { PLANTED_BUGS } from './planted-bugs';
import { runSeed } from './run-seed';
for (const bug of PLANTED_BUGS) {
  const rules: Record<string, number> = {};
  let first = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const r = runSeed({ seed, nodesMax: 16, ...bug.options });
    const set = new Set(r.violations.map((v) => v.rule));
    for (const x of set) rules[x] = (rules[x] ?? 0) + 1;
    if (!first && bug.caughtBy.some((x) => set.has(x))) first = seed;
  }
  console.log(first, bug.name, JSON.stringify(rules));
}
