import { runSeed } from '#test/sim/run-seed';
const [seed,h1,from,to]=process.argv.slice(2);
let n=0;
runSeed({seed:Number(seed), distort:(h,i,e)=>{ if(h.name===h1&&h.core){ const t=(h as any).core.self(); for(const x of e){ 
 const s = JSON.stringify(x,(k,v)=>k==='member'||k==='previous'?v&&`${v.name}@${v.incarnation}:${v.status}@${v.changedMs|0}`:v instanceof Uint8Array?'..':k==='nodes'?v.length:v).slice(0,260);
 if(!(to&&from)||true) console.log(n++, i?.kind, i&&'from' in i?(i as any).from.host:'', s);} } return e;}});
