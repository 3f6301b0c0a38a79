import { buildInfo } from '#agent/kit/build-info';

console.log(`ktrdr-agent ${buildInfo.version} (${buildInfo.commit}, ${buildInfo.target})`);
