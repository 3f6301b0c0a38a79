import { runSeed } from '#test/sim/run-seed';
const seed = Number(process.argv[2]);
const name = process.argv[3]!;
const obs = process.argv[4];
const r = runSeed({
  seed,
  distort: (h, i, e) => {
    for (const x of e) {
      if (x.kind === 'member' && x.member.name === name && (!obs || h.name === obs))
        console.log(
          h.index + '/' + h.life,
          h.name,
          x.change,
          x.member.incarnation,
          x.member.status,
          x.member.address.host,
          't',
          x.member.changedMs.toFixed(0),
        );
      if (x.kind === 'conflict' && x.held.name === name && (!obs || h.name === obs))
        console.log('conflict at', h.name, x.claimant.host, 'held', x.held.incarnation);
    }
    return e;
  },
});
console.log(r);
