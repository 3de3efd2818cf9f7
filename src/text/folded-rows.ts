/**
 * Folded tokens (folded-tokens.ts) of rows of a column: read once for all observers of a pass that look at them one behind the
 * other. The tokens stay in native memory, where a native kernel (`RowSigner`) goes on with them.
 */
import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import { rowString } from '../core/stored-text.ts';
import type { TextRows } from '../core/utf8-column.ts';
import { tellAscii, tellUnits } from './folded-tokens.ts';

/** Of each row: its tokens, and the length of its string in UTF-16 units. Good until other rows are folded. */
export interface FoldedRows {
  tokens: Uint32Array;
  units: Uint32Array;
}

/** Weakly: rows are views of a whole part's texts, which this must not keep alive. */
let held: WeakRef<TextRows> | undefined;
let counts: FoldedRows = { tokens: new Uint32Array(), units: new Uint32Array() };

/** Folds rows for this thread; free when the last call had the same. There must be a native add-on. */
export function foldRows(rows: TextRows): FoldedRows {
  const { bytes, offsets, from, to } = rows;
  const count = to - from;
  if (rows !== held?.deref()) {
    held = undefined;
    const addon = native!;
    tellAscii(addon);
    if (counts.tokens.length < count) counts = { tokens: new Uint32Array(count), units: new Uint32Array(count) };
    while (!foldAll(addon, rows)) {}
    held = new WeakRef(rows);
  }
  const { tokens, units } = counts;
  return { tokens: tokens.subarray(0, count), units: units.subarray(0, count) };

  /** False when it met what no thread had told of. */
  function foldAll(addon: NativeAddon, { from, to }: TextRows): boolean {
    const folded = addon.foldRows(bytes, offsets, from, to, counts.tokens, counts.units);
    if (folded >= 0) return true;
    tellUnits(addon, rowString(rows, from - 1 - folded), 0);
    return false;
  }
}
