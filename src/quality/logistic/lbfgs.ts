/**
 * Limited-memory BFGS for smooth convex functions (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5): the
 * direction comes from a guess of the curvature, corrected by the last ten steps and changes of the gradient; the step length
 * from halving until the value falls enough (Armijo's rule). On a strongly convex function each step has positive
 * curvature, so nothing more is asked of it. Cost: the function, about once an iteration, 4·memory multiplications a
 * variable, and the guess.
 */

/** Returns the value at `x` and writes its gradient. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  /** Where it was found, in the array that was given as the start. */
  x: Float64Array;
  value: number;
  /** Largest absolute entry of the gradient there. */
  gradient: number;
  iterations: number;
  /** False when `maxIterations` came first, or no step got lower: then `gradient` says how far it got. */
  converged: boolean;
}

const MEMORY = 10;
/** Share of the promised fall that a step must bring (Nocedal & Wright, section 3.1). */
const SUFFICIENT_FALL = 1e-4;
/** At the bottom values differ by rounding alone, while the gradient still tells the way. */
const ROUNDING = 1e-15;
/** Beyond 50 halvings a step is lost in rounding. */
const MAX_HALVINGS = 50;

/**
 * Minimises from `x` on, in place, until no entry of the gradient is larger than `tolerance`. `precondition` replaces a vector
 * by its product with a guess of the inverse Hessian (positive definite, the same each time): the better it is, the fewer
 * iterations.
 */
export function minimize(
  objective: Objective,
  x: Float64Array,
  precondition: (vector: Float64Array) => void,
  tolerance: number,
  maxIterations: number,
): Minimum {
  const size = x.length;
  const gradient = new Float64Array(size);
  const next = new Float64Array(size);
  const nextGradient = new Float64Array(size);
  const direction = new Float64Array(size);
  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  const curvatures: number[] = [];
  const weights = new Float64Array(MEMORY);
  let value = objective(x, gradient);
  let iterations = 0;
  for (; iterations < maxIterations && largest(gradient) > tolerance; iterations++) {
    for (let i = 0; i < size; i++) direction[i] = -gradient[i];
    for (let k = steps.length - 1; k >= 0; k--) {
      weights[k] = dot(steps[k], direction) / curvatures[k];
      addScaled(direction, changes[k], -weights[k]);
    }
    precondition(direction);
    for (let k = 0; k < steps.length; k++) {
      addScaled(direction, steps[k], weights[k] - dot(changes[k], direction) / curvatures[k]);
    }
    const slope = dot(direction, gradient);
    let length = 1;
    let nextValue = Number.NaN;
    let halvings = 0;
    for (; halvings < MAX_HALVINGS; halvings++) {
      for (let i = 0; i < size; i++) next[i] = x[i] + length * direction[i];
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + SUFFICIENT_FALL * length * slope + ROUNDING * Math.abs(value)) break;
      length /= 2;
    }
    if (halvings === MAX_HALVINGS) break;
    const isFull = steps.length === MEMORY;
    const step = isFull ? (steps.shift() as Float64Array) : new Float64Array(size);
    const change = isFull ? (changes.shift() as Float64Array) : new Float64Array(size);
    if (isFull) curvatures.shift();
    for (let i = 0; i < size; i++) {
      step[i] = next[i] - x[i];
      change[i] = nextGradient[i] - gradient[i];
    }
    x.set(next);
    gradient.set(nextGradient);
    value = nextValue;
    const curvature = dot(step, change);
    // Only rounding can make it vanish; such a step teaches nothing.
    if (curvature > 0) {
      steps.push(step);
      changes.push(change);
      curvatures.push(curvature);
    }
  }
  const left = largest(gradient);
  return { x, value, gradient: left, iterations, converged: left <= tolerance };
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(to: Float64Array, what: Float64Array, by: number): void {
  for (let i = 0; i < to.length; i++) to[i] += by * what[i];
}
