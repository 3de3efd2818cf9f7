/** Rows of tokens to the experts and back: gathered in the order of route.ts, and summed for each token. */
import { areVectors, type Dispatch, type KernelSource, part, reads, updates, writes } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { gatherRows } from './embedding.ts';
import { groupReduction } from './group-sum.ts';
import { LANES, lanesPerRow, rowGrid, rowOfLane, rowRanges } from './rows.ts';

function combineKernel(isVector: boolean, hasWeights: boolean): KernelSource {
  const four = isVector ? '4' : '';
  return {
    name: `combine experts${four}${hasWeights ? ', weighted' : ''}`,
    operands: [reads('y'), ...(hasWeights ? [reads('weights')] : []), reads('inverse', 'i32'), updates('out')],
    parameters: {
      count: 'u32',
      units: 'u32',
      perToken: 'u32',
      slots: 'u32',
      first: 'u32',
      yFirst: 'u32',
      yEnd: 'u32',
    },
    workgroupSize: [LANES],
    vectors: isVector,
    faults: true,
    body: `if (entry >= p.count) { return; }
  let row = entry / p.units;
  var sum = ${isVector ? 'vec4f()' : '0.0'};
  // A part of y that is bound later adds to the ones before.
  if (p.yFirst > 0u) { sum = out${four}(entry); }
  for (var choice = 0u; choice < p.perToken; choice++) {
    let slot = row * p.perToken + choice;
    let place = inverse(slot);
    if (place < 0 || u32(place) >= p.slots) { fault(p.first + slot); return; }
    if (u32(place) < p.yFirst || u32(place) >= p.yEnd) { continue; }
    let value = y${four}((u32(place) - p.yFirst) * p.units + entry % p.units);
    sum += ${hasWeights ? 'weights(slot) * value' : 'value'};
  }
  set_out${four}(entry, sum);`,
  };
}

/** A segment of lanes for each slot: dy of its row, and dweights as a product of rows. */
function combineGradKernel(context: LoweringContext, segment: number): KernelSource {
  const sum = groupReduction(context, { lanes: LANES, segment, kind: 'sum', type: 'f32' });
  return {
    name: `combine slopes by ${segment}`,
    operands: [reads('dout'), reads('y'), reads('weights'), reads('inverse', 'i32'), writes('dy'), writes('dweights')],
    parameters: {
      count: 'u32',
      columns: 'u32',
      perToken: 'u32',
      slots: 'u32',
      first: 'u32',
      yFirst: 'u32',
      yEnd: 'u32',
    },
    workgroupSize: [LANES],
    faults: true,
    enables: sum.enables,
    declarations: sum.declarations,
    body: `${rowOfLane(segment)}
  var isHere = row < p.count;
  var place = 0u;
  var weight = 0.0;
  if (isHere) {
    place = u32(inverse(row));
    if (place >= p.slots) { fault(p.first + row); }
    isHere = place < p.slots && place >= p.yFirst && place < p.yEnd;
    weight = weights(row);
  }
  let at = (row / p.perToken) * p.columns;
  let to = (place - p.yFirst) * p.columns;
  var dot = 0.0;
  if (isHere) {
    for (var column = first; column < p.columns; column += step) {
      let d = dout(at + column);
      dot += d * y(to + column);
      set_dy(to + column, d * weight);
    }
  }
  let all = ${sum.of('dot')};
  if (isHere && first == 0u) { set_dweights(row, all); }`,
  };
}

/** Parts of the tokens, and for each the parts of what lies by slots. */
function tokenParts(context: LoweringContext, rows: number, columns: number, perToken: number) {
  return rowRanges(context, rows, columns).flatMap((tokens) =>
    rowRanges(context, rows * perToken, columns).map((slots) => ({ tokens, slots })),
  );
}

export const moeLowerings = {
  moeDispatch(context) {
    const [tokens, columns, divisor] = context.attributes;
    const [table, ids, out] = [context.in(0), context.in(1), context.out(0)];
    const rows = tokens * divisor;
    return gatherRows(context, { table, ids, out, rows, columns, tableRows: tokens, divisor, hasZeros: false });
  },
  moeCombine(context) {
    const [rows, columns, perToken] = context.attributes;
    const [y, weights, inverse, out] = [context.in(0), context.maybeIn(1), context.in(2), context.out(0)];
    const isVector = columns % 4 === 0 && areVectors(y, weights, inverse, out);
    const units = isVector ? columns / 4 : columns;
    return tokenParts(context, rows, columns, perToken).map(({ tokens, slots }) => {
      const [first, count] = [tokens.start * perToken, tokens.count * perToken];
      return {
        kernel: combineKernel(isVector, weights !== undefined),
        places: {
          y: part(y, slots.start * columns, slots.count * columns),
          ...(weights === undefined ? {} : { weights: part(weights, first, count) }),
          inverse: part(inverse, first, count),
          out: part(out, tokens.start * columns, tokens.count * columns),
        },
        parameters: {
          count: tokens.count * units,
          units,
          perToken,
          slots: rows * perToken,
          first,
          yFirst: slots.start,
          yEnd: slots.start + slots.count,
        },
        workgroups: context.grid(Math.ceil((tokens.count * units) / LANES)),
      };
    });
  },
  moeCombineGrad(context) {
    const [rows, columns, perToken] = context.attributes;
    const [dout, y, weights] = [0, 1, 2].map((i) => context.in(i));
    const [inverse, dy, dweights] = [context.in(4), context.out(0), context.out(1)];
    const segment = lanesPerRow(columns);
    return tokenParts(context, rows, columns, perToken).map(({ tokens, slots }): Dispatch => {
      const [first, count] = [tokens.start * perToken, tokens.count * perToken];
      return {
        kernel: combineGradKernel(context, segment),
        places: {
          dout: part(dout, tokens.start * columns, tokens.count * columns),
          y: part(y, slots.start * columns, slots.count * columns),
          weights: part(weights, first, count),
          inverse: part(inverse, first, count),
          dy: part(dy, slots.start * columns, slots.count * columns),
          dweights: part(dweights, first, count),
        },
        parameters: {
          count,
          columns,
          perToken,
          slots: rows * perToken,
          first,
          yFirst: slots.start,
          yEnd: slots.start + slots.count,
        },
        workgroups: rowGrid(context, count, segment),
      };
    });
  },
} satisfies Record<string, Lowering>;
