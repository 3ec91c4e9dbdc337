// The jobs of examples/testing/render.ts.

/** Fills in a template, once for each name. */
export function render(template: string, names: string[]): string {
  return names.map((name) => template.replaceAll("NAME", name)).join("\n");
}
