/** Stands for src/core/native.ts in bundles for browsers (scripts/browser-input.mjs): there is no add-on, the twins run. */
import type { NativeAddon } from '../native-addon.ts';

export const native: NativeAddon | undefined = undefined;
