// Tests that docs/errors.md has every error class and quotes only existing messages.
import { assertEquals } from "@std/assert";
import * as exported from "@spindle/thread-pool";

const read = (path: string) =>
  Deno.readTextFileSync(new URL(path, import.meta.url));
const guide = read("../docs/errors.md");

Deno.test("docs/errors.md has a section for every exported error class", () => {
  const classes = Object.keys(exported).filter((name) =>
    name.endsWith("Error")
  );
  const sections = [...guide.matchAll(/^### `(\w+)`$/gm)].map(([, name]) =>
    name
  );
  assertEquals(sections.toSorted(), classes.toSorted());
});

/** Returns the text of all sources, with `…` in place of interpolations. */
function sources(folder: URL): string {
  const texts = Array.from(Deno.readDirSync(folder), (entry) => {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) return sources(url);
    return entry.name.endsWith(".ts") ? Deno.readTextFileSync(url) : "";
  });
  return texts.join("\n").replaceAll("\\`", "`").replace(/\$\{[^}]*\}/g, "…");
}

Deno.test("docs/errors.md quotes only messages that are in the sources", () => {
  const [, tables] = guide.split("\n## Error messages and their fixes\n");
  const cells = [...tables.matchAll(/^\| *(.+?) *\|/gm)].map(([, cell]) =>
    cell
  );
  const quotes = cells.flatMap((cell) =>
    [...cell.matchAll(/(`+)(.+?)\1/g)].map(([, , quote]) => quote)
  );
  const said = sources(new URL("../src/", import.meta.url));
  const parts = quotes.flatMap((quote) => quote.split("…"));
  const unknown = parts.filter((part) => !said.includes(part.trim()));
  assertEquals(unknown, []);
});
