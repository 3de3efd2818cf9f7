/**
 * The native side of tokenizers, or nothing: the only file of this room that asks for the add-on, and with it for Node.
 * A bundle for browsers puts a module in its place that exports `nativeBpe` as undefined.
 */

import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import { CLASS_OF } from './unicode-classes.ts';

/** The patterns that have native scanners; the place of a name is the number that scanners know it by. */
export const NATIVE_PATTERNS = ['qwen2', 'cl100k', 'gpt2', 'o200k'] as const;

/** The add-on, once it knows the character classes. */
export const nativeBpe: NativeAddon | undefined = native;
nativeBpe?.unicodeClasses(CLASS_OF);
