/** What every trainer asks of its texts and labels, before and after they have come. */
import { CorpusmillError } from '../core/errors.ts';

const TWO_LABELS = 'give texts of at least two labels, such as keep and drop';

/**
 * Labels that a classifier can be made for. Throws CONFIG_INVALID where there are fewer than two, and where one is empty, has
 * white space (fastText's files could not hold it) or is given twice.
 */
export function checkLabels(labels: readonly string[]): void {
  if (labels.length < 2) {
    const found = labels.length === 0 ? 'there is no label' : `there is only the label ${JSON.stringify(labels[0])}`;
    throw cannotTrain(found, TWO_LABELS);
  }
  for (const [i, label] of labels.entries()) {
    const shown = JSON.stringify(label);
    if (label === '' || /\s/u.test(label))
      throw cannotTrain(`the label ${shown} is empty or has white space`, 'write-it-like-this');
    if (labels.indexOf(label) !== i) throw cannotTrain(`the label ${shown} is given twice`, 'give each label once');
  }
}

const NOT_BLANK = /\S/u;

/** True for a text of white space alone, which trainers only count and classifiers know nothing of. */
export function isBlank(text: string): boolean {
  return !NOT_BLANK.test(text);
}

/** Throws CONFIG_INVALID unless texts of at least two labels came. `counts`: texts of each label. */
export function checkLabelCounts(labels: readonly string[], counts: ArrayLike<number>): void {
  const met = labels.filter((_, i) => counts[i] > 0);
  if (met.length === 0) throw cannotTrain('no text was added that is not blank', TWO_LABELS);
  if (met.length === 1) throw cannotTrain(`all texts have the label ${JSON.stringify(met[0])}`, TWO_LABELS);
}

function cannotTrain(found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `cannot train a classifier: ${found}`, { hint });
}
