import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { writeFileDurably } from './durable-file';
import { Fault } from './error';

describe('writeFileDurably()', () => {
  test('replaces the content, keeps the mode and leaves nothing else behind', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'state.json');
    writeFileDurably(path, 'a long first content');
    writeFileDurably(path, 'second');
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(['state.json']);
  });

  test('says which file could not be written', () => {
    expect(() => writeFileDurably('/nonexistent-directory/state.json', 'x')).toThrow(Fault);
    expect(() => writeFileDurably('/nonexistent-directory/state.json', 'x')).toThrow(
      'Cannot write /nonexistent-directory/state.json: ENOENT',
    );
  });
});
