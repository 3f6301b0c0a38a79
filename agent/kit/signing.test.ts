import { describe, expect, test } from 'bun:test';
import { generateSigningKey, importSigningKey, keyFingerprint, verifySignature } from './signing';

describe('signing', () => {
  const key = generateSigningKey();

  test('verifySignature() accepts what the key signed and nothing else', () => {
    const signature = key.sign('{"a":1}');
    expect(verifySignature(key.publicKey, '{"a":1}', signature)).toBe(true);
    expect(verifySignature(key.publicKey, '{"a":2}', signature)).toBe(false);
    expect(verifySignature(generateSigningKey().publicKey, '{"a":1}', signature)).toBe(false);
  });

  test('verifySignature() is false for malformed keys and signatures', () => {
    expect(verifySignature('', 'x', key.sign('x'))).toBe(false);
    expect(verifySignature('bm90IGEga2V5', 'x', key.sign('x'))).toBe(false);
    expect(verifySignature(key.publicKey, 'x', 'c2hvcnQ=')).toBe(false);
  });

  test('importSigningKey() restores an exported key and refuses anything else', () => {
    const again = importSigningKey(key.exportPrivateKey());
    expect(again?.publicKey).toBe(key.publicKey);
    expect(verifySignature(key.publicKey, 'x', again?.sign('x') ?? '')).toBe(true);
    expect(importSigningKey('AAAA')).toBeUndefined();
  });

  test('keyFingerprint() is the head of SHA-256 over the raw key (RFC 8032, test 1)', () => {
    const raw = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    expect(keyFingerprint(raw.toString('base64'))).toBe('21fe31dfa154a261626bf854046fd227');
  });
});
