import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { createOutput } from './output';
import { showStatus, type DownStatus } from './status-view';

const identity = { pid: 4242, start_ticks: 1, boot_id: 'b' };
const down: DownStatus = {
  state: 'down',
  reasons: ['Cannot reach the control plane at http://127.0.0.1:8000: connection refused'],
  hint: 'start one',
  control: null,
  local: {
    agents: [{ url: 'http://127.0.0.1:5003', health: null }],
    shims: [
      {
        shim_id: 's',
        build: { version: 'dev', commit: 'dev', target: 'linux-x64' },
        shim: identity,
        workload: identity,
        attempt: { operation_id: 'op_sweep_20260131_235959_1a2b3c4d', epoch: 3, attempt_dir: '/a' },
        runtime_dir: '/run/ktrdr',
      },
    ],
  },
};

test('without a control plane the work that goes on is shown', () => {
  const shell = capturedShell();
  showStatus(createOutput(shell, false), { document: down }, 0);
  expect(shell.out).toStartWith('Fleet DOWN\n  - Cannot reach');
  expect(shell.out).toMatch(/http:\/\/127\.0\.0\.1:5003 +no answer/);
  expect(shell.out).toContain('1 job process at work');
  expect(shell.out).toMatch(/op_sweep_20260131_235959_1a2b3c4d +3 +4242/);
});

test('nothing here is said plainly', () => {
  const shell = capturedShell();
  showStatus(createOutput(shell, false), { document: { ...down, local: { agents: [], shims: [] } } }, 0);
  expect(shell.out).toContain('Nothing of ktrdr-agent runs on this machine');
});
