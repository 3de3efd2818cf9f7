/** Documents sorted into the groups of a column (language, source, fold), and the columns of a group. */

export interface Group {
  /** Undefined: the documents that have none. */
  name: string | undefined;
  /** Their places, rising. */
  documents: Uint32Array;
}

/** The groups of a column (an empty name is none), most documents first, then by name. */
export function groupsOf(column: readonly (string | undefined)[]): Group[] {
  const places = new Map<string | undefined, number[]>();
  column.forEach((value, document) => {
    const name = value === '' ? undefined : value;
    const group = places.get(name);
    if (group === undefined) places.set(name, [document]);
    else group.push(document);
  });
  return [...places]
    .map(([name, documents]) => ({ name, documents: Uint32Array.from(documents) }))
    .sort((a, b) => b.documents.length - a.documents.length || ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
}

/** The documents of each fold, by fold. */
export function documentsOfFolds(folds: Int32Array | Uint8Array): Uint32Array[] {
  const places: number[][] = [];
  folds.forEach((fold, document) => {
    while (places.length <= fold) places.push([]);
    places[fold].push(document);
  });
  return places.map((documents) => Uint32Array.from(documents));
}

/** Rows of a [all documents, width] column. */
export function rowsOf(column: Float64Array, documents: Uint32Array, width: number): Float64Array {
  const rows = new Float64Array(documents.length * width);
  documents.forEach((document, i) => rows.set(column.subarray(document * width, (document + 1) * width), i * width));
  return rows;
}

/** Label indices of some documents. */
export function labelsOf(column: Int32Array | Uint8Array, documents: Uint32Array): Int32Array {
  const labels = new Int32Array(documents.length);
  for (let i = 0; i < labels.length; i++) labels[i] = column[documents[i]];
  return labels;
}
