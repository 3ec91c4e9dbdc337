// What is done soon, and once, however often it is asked for.

/** Calls back at a certain time. */
type When = (callback: () => void) => void;

/** Something that is to be done. */
export class Due {
  readonly #act: () => void;
  readonly #times = new Set<When>();

  constructor(act: () => void) {
    this.#act = act;
  }

  /** Runs the action at that time; asked twice for the same time, it runs once. */
  at(when: When): void {
    if (this.#times.has(when)) return;
    this.#times.add(when);
    when(() => {
      this.#times.delete(when);
      this.#act();
    });
  }
}
