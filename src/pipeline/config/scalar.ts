/**
 * A text read the way YAML reads it when it stands alone: `30` is a number, `true` a boolean, `[a, b]` a list. What
 * YAML cannot read, or would read as something with structure of its own (`*.txt` is an alias, `a: b` a mapping), is
 * the text itself: a shell user wrote a word, not a document.
 */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';

export function readScalar(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, version: '1.2' });
  const contents = document.contents;
  if (contents === null) return null;
  const flow = (isSeq(contents) || isMap(contents)) && contents.flow === true;
  if (document.errors.length > 0 || document.warnings.length > 0 || !(isScalar(contents) || flow)) return text;
  // `a #b` would lose its end as a comment, and `!x` become a tag.
  if (isScalar(contents) && (contents.comment || document.comment || contents.tag?.startsWith('!'))) return text;
  return document.toJS({ maxAliasCount: 0 });
}
