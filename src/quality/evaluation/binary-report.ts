/** What a report says of a model of two labels besides its figures: curves, calibration, histogram, thresholds. */
import { expectedCalibrationError, reliabilityBins } from './calibration.ts';
import { aucDifference } from './delong.ts';
import type { EvaluationInput, ModelScores } from './evaluation-input.ts';
import { scoreHistogram } from './histogram.ts';
import { precisionRecallCurve } from './precision-recall.ts';
import type { BinaryReport } from './quality-report-schema.ts';
import { rocCurve } from './roc.ts';
import type { ThresholdSweep } from './threshold-sweep.ts';
import { bestByF1, bestByYouden, keptShares } from './thresholds.ts';

/** Points of a curve in a report: more than a plot of 400 px can show. */
export const CURVE_POINTS = 200;
const HISTOGRAM_BINS = 20;

export function binaryReport(
  input: EvaluationInput,
  model: ModelScores,
  {
    sweep,
    isPositive,
    threshold,
  }: { sweep: ThresholdSweep; isPositive: Uint8Array; threshold: BinaryReport['threshold'] },
): BinaryReport {
  const scale = model.scale ?? 'probability';
  const histogram = scoreHistogram(model.scores, isPositive, { scale, bins: HISTOGRAM_BINS });
  return {
    threshold,
    best: { f1: bestByF1(sweep) ?? null, youden: bestByYouden(sweep) ?? null },
    roc: rocCurve(sweep, CURVE_POINTS) ?? null,
    precisionRecall: precisionRecallCurve(sweep, CURVE_POINTS) ?? null,
    calibration: scale === 'probability' ? calibrationOf(input, model.scores, isPositive) : null,
    histogram: histogram.map(({ from = null, below = null, ...counts }) => ({ from, below, ...counts })),
    kept: keptShares(sweep).map(({ recall = null, ...row }) => ({ ...row, recall })),
    difference: differenceOf(input, model, isPositive),
  };
}

function calibrationOf(
  { calibration = { binning: 'equal-width', bins: 10 } }: EvaluationInput,
  scores: Float64Array,
  isPositive: Uint8Array,
): BinaryReport['calibration'] {
  const bins = reliabilityBins(scores, isPositive, calibration);
  return { binning: calibration.binning, expectedError: expectedCalibrationError(bins), bins };
}

function differenceOf(
  { baseline, models }: EvaluationInput,
  model: ModelScores,
  isPositive: Uint8Array,
): BinaryReport['difference'] {
  const other = models.find(({ name }) => name === baseline);
  if (other === undefined || other === model) return null;
  return aucDifference(model.scores, other.scores, isPositive) ?? null;
}
