import { loadSettings } from '#agent/daemon/settings';
import { runDaemon } from '#agent/daemon/run';
import { describeError, Fault } from '#agent/kit/error';

// What `ktrdr-agent run` does, without a command line: settings come from the environment alone.
if (process.argv[2]?.startsWith('__')) await import('#agent/main');
else {
  try {
    process.exit(await runDaemon(loadSettings({ environment: process.env, uid: process.getuid?.() ?? 0 })));
  } catch (error) {
    console.error(describeError(error));
    process.exit(error instanceof Fault ? error.exitCode : 70);
  }
}
