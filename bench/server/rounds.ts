// Measures several things in turn, round by round, so that a slow minute of the machine falls
// on all of them alike.

/** A figure of each round, or why there is none. */
export type Rounds<Figure> = { figures: Figure[]; failure?: string };

/** All rounds of all things by name; every other round goes backwards. */
export async function interleave<Thing extends { name: string }, Figure>(
  what: string,
  things: Thing[],
  rounds: number,
  measure: (thing: Thing) => Promise<Figure>,
): Promise<Map<string, Rounds<Figure>>> {
  const all = new Map<string, Rounds<Figure>>(
    things.map(({ name }) => [name, { figures: [] }]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const thing of round % 2 === 0 ? things : things.toReversed()) {
      const past = all.get(thing.name)!;
      if (past.failure !== undefined) continue;
      try {
        const figure = await measure(thing);
        past.figures.push(figure);
        log(`${what} ${round + 1}: ${thing.name} ${brief(figure)}`);
      } catch (error) {
        past.failure = error instanceof Error ? error.message : String(error);
        log(`${what} ${round + 1}: ${thing.name} ${past.failure}`);
      }
    }
  }
  return all;
}

function brief(figure: unknown): string {
  return JSON.stringify(figure, (_, value) => {
    if (typeof value === "number") return Number(value.toPrecision(3));
    return Array.isArray(value) ? undefined : value;
  });
}

/** Progress, on the error output. */
export function log(text: string): void {
  console.error(text);
}
