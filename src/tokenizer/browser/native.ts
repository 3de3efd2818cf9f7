/** Stands for src/core/native.ts in the bundle for browsers (scripts/bundle.mjs): there is no add-on, the twins run. */
import type { NativeAddon } from '../../core/native.ts';

export const native: NativeAddon | undefined = undefined;
