import { PLANTED_BUGS } from './planted-bugs';
import { runSeed } from './run-seed';
for (const bug of PLANTED_BUGS) {
  const t0 = Bun.nanoseconds();
  let hit = '';
  let seed = 1;
  for (; seed <= 40 && !hit; seed++) {
    const r = runSeed({ seed, nodesMax: 16, ...bug.options });
    hit = [...new Set(r.violations.map((v) => v.rule))].filter((x) => bug.caughtBy.includes(x)).join();
  }
  console.log(seed - 1, hit, bug.name, ((Bun.nanoseconds() - t0) / 1e9).toFixed(2), 's');
}
