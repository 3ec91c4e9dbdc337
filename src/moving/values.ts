// Values that are copied as something that `postMessage` does not lose.

import type { Arrival, Departure, MovedValue } from "./moved.ts";
import { fromData } from "./web_values.ts";

/** A copy of a value, made when the value is accepted. */
export class ValueDeparture implements Departure {
  readonly #moved: MovedValue;
  readonly isOpen = false;

  constructor(type: string, data: unknown) {
    this.#moved = { kind: "value", type, data };
  }

  send(): MovedValue {
    return this.#moved;
  }

  takeBack(): void {
    // Nothing of it is anywhere else.
  }

  close(): void {
    // Nothing of it is open.
  }
}

/** The value made of such a copy. */
export class ValueArrival implements Arrival {
  readonly value: unknown;
  readonly isOpen = false;

  constructor({ type, data }: MovedValue) {
    this.value = fromData(type, data);
  }

  end(): void {
    // It is nobody else's.
  }
}
