/**
 * Routing of tokens to experts: which experts a token goes to, the gradient of their weights, the order of slots by expert
 * (sort.ts), and how often each expert was chosen. A token's experts are found by as many rounds over its probabilities as
 * it has experts, each for the next in order.
 */
import { type KernelPlace, type KernelSource, part, reads, updates, writes } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { groupReduction } from './group-sum.ts';
import { columnSums, entriesOf } from './reduce.ts';
import { LANES, lanesPerRow, rowGrid, rowOfLane, rowRanges } from './rows.ts';
import { sortRows } from './sort.ts';

/** Softmax of each row, and its largest in order of falling probability; a tie goes to the lower expert. */
function routeKernel(context: LoweringContext, segment: number): KernelSource {
  const shape = { lanes: LANES, segment };
  const largest = groupReduction(context, { ...shape, kind: 'max', type: 'f32' });
  const sum = groupReduction(context, { ...shape, kind: 'sum', type: 'f32' });
  const lowest = groupReduction(context, { ...shape, kind: 'min', type: 'u32' });
  const overRow = (statements: string): string =>
    `if (isRow) { for (var e = first; e < p.experts; e += step) { ${statements} } }`;
  return {
    name: `route by ${segment}`,
    operands: [reads('logits'), updates('probabilities'), updates('weights'), writes('chosen', 'i32')],
    parameters: { rows: 'u32', experts: 'u32', perToken: 'u32', normalize: 'u32' },
    workgroupSize: [LANES],
    enables: sum.enables,
    declarations: [largest, sum, lowest].map(({ declarations }) => declarations).join(''),
    body: `${rowOfLane(segment)}
  let isRow = row < p.rows;
  let at = row * p.experts;
  var most = -3.4e38;
  ${overRow('most = max(most, logits(at + e));')}
  let top = ${largest.of('most')};
  var own = 0.0;
  ${overRow('own += exp(logits(at + e) - top);')}
  let all = ${sum.of('own')};
  ${overRow('set_probabilities(at + e, exp(logits(at + e) - top) / all);')}
  // Of those behind the last chosen one the first: a smaller probability, or the same of a higher expert.
  var total = 0.0;
  var last = 2.0;
  var lastExpert = 0u;
  for (var choice = 0u; choice < p.perToken; choice++) {
    var best = -1.0;
    var bestExpert = p.experts;
    ${overRow(`let q = probabilities(at + e);
      let isLeft = q < last || (q == last && e > lastExpert);
      if (isLeft && q > best) { best = q; bestExpert = e; }`)}
    let next = ${largest.of('best')};
    let expert = ${lowest.of('select(p.experts, bestExpert, best == next)')};
    last = next;
    lastExpert = expert;
    total += next;
    if (isRow && first == 0u) {
      // Where probabilities are no numbers none is found: an expert must be one all the same.
      let isFound = expert < p.experts;
      let taken = select(choice, expert, isFound);
      set_weights(row * p.perToken + choice, probabilities(at + taken));
      set_chosen(row * p.perToken + choice, i32(taken));
    }
  }
  if (isRow && first == 0u && p.normalize != 0u) {
    for (var choice = 0u; choice < p.perToken; choice++) {
      let slot = row * p.perToken + choice;
      set_weights(slot, weights(slot) / total);
    }
  }`,
  };
}

/** With d the gradient of the probabilities: dlogits = p · (d − Σ p · d). Weights of sum 1 give (dw − Σ dw · w) / total. */
function routeGradKernel(context: LoweringContext, segment: number, hasMore: boolean): KernelSource {
  const sum = groupReduction(context, { lanes: LANES, segment, kind: 'sum', type: 'f32' });
  return {
    name: `route slopes by ${segment}${hasMore ? ', more' : ''}`,
    operands: [
      reads('dweights'),
      reads('probabilities'),
      reads('weights'),
      reads('chosen', 'i32'),
      ...(hasMore ? [reads('more')] : []),
      updates('dlogits'),
    ],
    parameters: { rows: 'u32', experts: 'u32', perToken: 'u32', normalize: 'u32', first: 'u32' },
    workgroupSize: [LANES],
    faults: true,
    enables: sum.enables,
    declarations: sum.declarations,
    body: `${rowOfLane(segment)}
  var isRow = row < p.rows;
  let at = row * p.experts;
  let slots = row * p.perToken;
  var total = 0.0;
  var mean = 0.0;
  if (isRow) {
    for (var choice = 0u; choice < p.perToken; choice++) {
      let expert = chosen(slots + choice);
      if (expert < 0 || u32(expert) >= p.experts) {
        fault(p.first * p.perToken + slots + choice);
        isRow = false;
        break;
      }
      total += probabilities(at + u32(expert));
      mean += dweights(slots + choice) * weights(slots + choice);
    }
    if (p.normalize == 0u) { total = 1.0; mean = 0.0; }
  }
  var dot = 0.0;
  if (isRow) {
    for (var e = first; e < p.experts; e += step) {
      var d = ${hasMore ? 'more(at + e)' : '0.0'};
      for (var choice = 0u; choice < p.perToken; choice++) {
        if (u32(chosen(slots + choice)) == e) { d += (dweights(slots + choice) - mean) / total; }
      }
      dot += d * probabilities(at + e);
      set_dlogits(at + e, d);
    }
  }
  let all = ${sum.of('dot')};
  if (isRow) {
    for (var e = first; e < p.experts; e += step) {
      set_dlogits(at + e, probabilities(at + e) * (dlogits(at + e) - all));
    }
  }`,
  };
}

/** The inverse of an order of slots by expert, and where each expert's begin, by bisection. */
const SORTED: KernelSource = {
  name: 'experts of sorted slots',
  operands: [reads('chosen', 'i32'), reads('order', 'i32'), writes('inverse', 'i32'), writes('offsets', 'i32')],
  parameters: { slots: 'u32', experts: 'u32' },
  workgroupSize: [LANES],
  faults: true,
  body: `if (entry < p.slots) {
    let expert = chosen(entry);
    if (expert < 0 || u32(expert) >= p.experts) { fault(entry); }
    set_inverse(u32(order(entry)), i32(entry));
  }
  if (entry > p.experts) { return; }
  var low = 0u;
  var high = p.slots;
  while (low < high) {
    let middle = (low + high) / 2u;
    // What is no expert stands last, also if it is negative.
    if (u32(chosen(u32(order(middle)))) < entry) { low = middle + 1u; } else { high = middle; }
  }
  set_offsets(entry, i32(low));`,
};

/** Slots of one workgroup that counts. */
const COUNTED = 16 * LANES;

function countKernel(hasMask: boolean): KernelSource {
  const isCounted = hasMask ? 'mask(slot / p.perToken) != 0.0 && ' : '';
  return {
    name: `count experts${hasMask ? ', masked' : ''}`,
    operands: [reads('chosen', 'i32'), ...(hasMask ? [reads('mask')] : []), writes('counts')],
    parameters: { slots: 'u32', experts: 'u32', perToken: 'u32' },
    workgroupSize: [LANES],
    faults: true,
    declarations: `var<workgroup> found: array<atomic<u32>, ${LANES}>;`,
    body: `if (group * ${COUNTED}u >= p.slots) { return; }
  let lowest = workgroup.z * ${LANES}u;
  atomicStore(&found[lane], 0u);
  workgroupBarrier();
  for (var i = lane; i < ${COUNTED}u; i += ${LANES}u) {
    let slot = group * ${COUNTED}u + i;
    if (slot < p.slots) {
      let expert = u32(chosen(slot));
      if (expert >= p.experts) { fault(slot); }
      else if (${isCounted}expert >= lowest && expert < lowest + ${LANES}u) { atomicAdd(&found[expert - lowest], 1u); }
    }
  }
  workgroupBarrier();
  if (lowest + lane < p.experts) {
    set_counts(group * p.experts + lowest + lane, f32(atomicLoad(&found[lane])));
  }`,
  };
}

export const routeLowerings = {
  routeTopK(context) {
    const [rows, experts, perToken, normalize] = context.attributes;
    const segment = lanesPerRow(experts);
    return rowRanges(context, rows, experts).map(({ start, count }) => ({
      kernel: routeKernel(context, segment),
      places: {
        logits: part(context.in(0), start * experts, count * experts),
        probabilities: part(context.out(0), start * experts, count * experts),
        weights: part(context.out(1), start * perToken, count * perToken),
        chosen: part(context.out(2), start * perToken, count * perToken),
      },
      parameters: { rows: count, experts, perToken, normalize },
      workgroups: rowGrid(context, count, segment),
    }));
  },
  routeTopKGrad(context) {
    const [rows, experts, perToken, normalize] = context.attributes;
    const segment = lanesPerRow(experts);
    const more = context.maybeIn(4);
    const by = (place: KernelPlace, each: number, start: number, count: number): KernelPlace =>
      part(place, start * each, count * each);
    return rowRanges(context, rows, experts).map(({ start, count }) => ({
      kernel: routeGradKernel(context, segment, more !== undefined),
      places: {
        dweights: by(context.in(0), perToken, start, count),
        probabilities: by(context.in(1), experts, start, count),
        weights: by(context.in(2), perToken, start, count),
        chosen: by(context.in(3), perToken, start, count),
        ...(more === undefined ? {} : { more: by(more, experts, start, count) }),
        dlogits: by(context.out(0), experts, start, count),
      },
      parameters: { rows: count, experts, perToken, normalize, first: start },
      workgroups: rowGrid(context, count, segment),
    }));
  },
  routeSort(context) {
    const [slots, experts] = context.attributes;
    const chosen = context.in(0);
    const [order, inverse, offsets] = [0, 1, 2].map((i) => context.out(i));
    return [
      ...sortRows(context, { keys: chosen, rows: slots, keyEnd: experts }, order),
      {
        kernel: SORTED,
        places: { chosen, order, inverse, offsets },
        parameters: { slots, experts },
        workgroups: context.grid(Math.ceil(Math.max(slots, experts + 1) / LANES)),
      },
    ];
  },
  expertCounts(context) {
    const [rows, experts, perToken] = context.attributes;
    const [chosen, mask, out] = [context.in(0), context.maybeIn(1), context.out(0)];
    const blocks = Math.ceil((rows * perToken) / COUNTED);
    const counts = context.scratch(blocks * experts);
    const [x, y] = context.grid(blocks);
    return [
      {
        kernel: countKernel(mask !== undefined),
        places: { chosen, ...(mask === undefined ? {} : { mask }), counts },
        parameters: { slots: rows * perToken, experts, perToken },
        workgroups: [x, y, Math.ceil(experts / LANES)],
      },
      ...columnSums(context, entriesOf(counts, experts), blocks, experts, [{ out }]),
    ];
  },
} satisfies Record<string, Lowering>;
