import { expect, test } from 'bun:test';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir';

test('tempDir() makes a short folder that others may traverse, and removes it', async () => {
  let path: string;
  {
    await using folder = await tempDir();
    path = folder.path;
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(`${path}/run/.s.PGSQL.65535`.length).toBeLessThanOrEqual(107);
    writeFileSync(join(path, 'left-behind'), 'x');
  }
  expect(existsSync(path)).toBe(false);
});
