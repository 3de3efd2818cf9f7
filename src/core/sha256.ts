/** SHA-256, for files that other tools verify. In a browser its twin of ./browser/sha256.ts stands for it. */
import { createHash } from 'node:crypto';

/** SHA-256 in hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
