/**
 * From an instruction to dispatches. A lowering is pure: it knows shapes, places and what the adapter can do, and gives
 * the kernels to run in order.
 */
import type { Instruction, Place } from '../backend.ts';
import type { DeviceFeature } from './adapter.ts';
import type { BindingLimits } from './bindings.ts';
import { type Dispatch, type KernelPlace, SCRATCH } from './kernel.ts';
import type { ProductOptions } from './kernels/product-variant.ts';

export interface AdapterLimits extends BindingLimits {
  /** Workgroups along one axis of a dispatch. */
  readonly maxWorkgroups: number;
  /** Invocations of a workgroup. */
  readonly maxInvocations: number;
  /** Bytes of memory that a workgroup shares. */
  readonly maxWorkgroupBytes: number;
}

/** What a lowering sees of an instruction. */
export class LoweringContext {
  readonly #instruction: Instruction;
  readonly limits: AdapterLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly products: ProductOptions;
  #scratchWords = 0;

  constructor(
    instruction: Instruction,
    limits: AdapterLimits,
    features: ReadonlySet<DeviceFeature>,
    products: ProductOptions,
  ) {
    this.#instruction = instruction;
    this.limits = limits;
    this.features = features;
    this.products = products;
  }

  get attributes(): readonly number[] {
    return this.#instruction.attributes;
  }

  get inputs(): readonly (Place | undefined)[] {
    return this.#instruction.inputs;
  }

  /** An operand that must be there. */
  in(index: number): Place {
    return this.#instruction.inputs[index] as Place;
  }

  maybeIn(index: number): Place | undefined {
    return this.#instruction.inputs[index];
  }

  out(index: number): Place {
    return this.#instruction.outputs[index] as Place;
  }

  maybeOut(index: number): Place | undefined {
    return this.#instruction.outputs[index];
  }

  /** Memory for this instruction alone, with no meaning before and after it. */
  scratch(words: number): KernelPlace {
    const place = { slot: SCRATCH, offset: this.#scratchWords, length: words };
    const { alignmentWords } = this.limits;
    this.#scratchWords += Math.ceil(words / alignmentWords) * alignmentWords;
    return place;
  }

  get scratchWords(): number {
    return this.#scratchWords;
  }

  /** `count` workgroups, over two axes where one does not hold them: kernels use `group` and check that it is below. */
  grid(count: number): [number, number, number] {
    const { maxWorkgroups } = this.limits;
    if (count <= maxWorkgroups) return [count, 1, 1];
    const y = Math.ceil(count / maxWorkgroups);
    return [Math.ceil(count / y), y, 1];
  }
}

export type Lowering = (context: LoweringContext) => Dispatch[];
