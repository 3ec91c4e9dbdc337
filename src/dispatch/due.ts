// Runs an action once at a later point, however often that is requested.

/** Calls back at a certain point, such as the end of the turn. */
type When = (callback: () => void) => void;

/** An action that runs later. */
export class Due {
  readonly #act: () => void;
  readonly #times = new Set<When>();

  constructor(act: () => void) {
    this.#act = act;
  }

  /** Runs the action at that point, only once for several requests. */
  at(when: When): void {
    if (this.#times.has(when)) return;
    this.#times.add(when);
    when(() => {
      this.#times.delete(when);
      this.#act();
    });
  }
}
