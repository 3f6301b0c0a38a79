import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { assert } from './assert';

/** An Ed25519 key (RFC 8032) that signs; the public half is given raw (32 bytes), in base64. */
export interface SigningKey {
  readonly publicKey: string;
  /** Signature of the text's UTF-8 bytes, base64. */
  sign(text: string): string;
  /** PKCS #8 DER, base64: for the key file only. */
  exportPrivateKey(): string;
}

export function generateSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync('ed25519').privateKey);
}

/** The key that `exportPrivateKey` gave; undefined when the text is not one. */
export function importSigningKey(privateKey: string): SigningKey | undefined {
  const der = Buffer.from(privateKey, 'base64');
  try {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'ed25519' ? signingKeyOf(key) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the holder of `publicKey` signed the text. False, never an error, for malformed input. */
export function verifySignature(publicKey: string, text: string, signature: string): boolean {
  const raw = Buffer.from(publicKey, 'base64');
  const signed = Buffer.from(signature, 'base64');
  if (raw.length !== PUBLIC_KEY_BYTES || signed.length !== SIGNATURE_BYTES) return false;
  try {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
      format: 'jwk',
    });
    return verify(null, Buffer.from(text), key, signed);
  } catch {
    return false;
  }
}

/** Names a key: the first 16 bytes of the SHA-256 of the raw public key, in hex. */
export function keyFingerprint(publicKey: string): string {
  const raw = Buffer.from(publicKey, 'base64');
  return createHash('sha256').update(raw).digest('hex').slice(0, 32);
}

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  assert(typeof x === 'string', 'an Ed25519 key has no x coordinate');
  return {
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
    exportPrivateKey: () => privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  };
}
