/** Running totals of camera motion since the input channel opened; see `protocols/viewer.py` for the units. */

export const AXES = ["orbitX", "orbitY", "zoom", "roll", "lookX", "lookY"] as const;
export type Axis = (typeof AXES)[number];
export type Motion = Partial<Record<Axis, number>>;

export class Totals {
  #axes: Record<Axis, number> = zero();

  get axes(): Readonly<Record<Axis, number>> {
    return this.#axes;
  }

  add(motion: Motion): void {
    for (const axis of AXES) {
      const amount = motion[axis];
      if (amount !== undefined && Number.isFinite(amount)) this.#axes[axis] += amount;
    }
  }

  reset(): void {
    this.#axes = zero();
  }

  /** Rounded, and without the axes that never moved, to keep messages short. */
  encode(): Motion {
    const result: Motion = {};
    for (const axis of AXES) {
      const total = Math.round(this.#axes[axis] * 1e6) / 1e6;
      if (total !== 0) result[axis] = total;
    }
    return result;
  }
}

function zero(): Record<Axis, number> {
  return { orbitX: 0, orbitY: 0, zoom: 0, roll: 0, lookX: 0, lookY: 0 };
}
