// Tests TextRing, with its writer and its reader in this thread.
import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { TextRing } from "../../src/wire/text_ring.ts";

function makeRing(): { writer: TextRing; reader: TextRing } {
  const buffer = new SharedArrayBuffer(TextRing.BYTES);
  return { writer: new TextRing(buffer, 0), reader: new TextRing(buffer, 0) };
}

Deno.test("TextRing.read() returns a run of texts as one list", () => {
  const { writer, reader } = makeRing();
  const places = ['"a"', "{}", '"é€\u{1F980}"'].map((text) =>
    writer.write(text)
  );
  assert(reader.follows(places[0], places[1]));
  assert(reader.follows(places[1], places[2]));
  assertFalse(reader.follows(places[0], places[2]));
  assertEquals(reader.read(places[0], places[1]), '["a",{}]');
  assertEquals(reader.read(places[2], places[2]), '["é€\u{1F980}"]');
});

Deno.test("TextRing.write() refuses a text that does not fit, until more is read", () => {
  const { writer, reader } = makeRing();
  const text = "x".repeat(30_000);
  const places: number[] = [];
  for (let place; (place = writer.write(text)) >= 0;) places.push(place);
  assert(places.length > 4);
  assertEquals(writer.write(text), -1);
  assert(writer.write("1") >= 0, "what is short still finds room");
  for (const place of places.slice(0, 4)) {
    assertEquals(reader.read(place, place).length, text.length + 2);
  }
  assert(writer.write(text) >= 0);
});

Deno.test("TextRing returns texts unchanged over many wrap-arounds", () => {
  const size = fc.integer({ min: 0, max: 16_000 });
  const letter = fc.constantFrom("a", "é", "€", "\u{1F980}", "\ud800", '"');
  const texts = fc.array(fc.tuple(letter, size), {
    minLength: 20,
    maxLength: 80,
  });
  fc.assert(
    fc.property(texts, fc.infiniteStream(fc.nat(5)), (texts, lags) => {
      const { writer, reader } = makeRing();
      const waiting: [text: string, place: number][] = [];
      const readRun = () => {
        let length = 1;
        while (
          length < waiting.length &&
          reader.follows(waiting[length - 1][1], waiting[length][1])
        ) length++;
        const run = waiting.splice(0, length);
        const list = reader.read(run[0][1], run[length - 1][1]);
        assertEquals(JSON.parse(list), run.map(([text]) => JSON.parse(text)));
      };
      for (const [letter, size] of texts) {
        const text = JSON.stringify(
          letter.repeat(size / JSON.stringify(letter).length),
        );
        let place;
        while ((place = writer.write(text)) < 0) {
          assert(waiting.length > 0, "there is room in an empty ring");
          readRun();
        }
        waiting.push([text, place]);
        if (waiting.length > lags.next().value) readRun();
      }
      while (waiting.length > 0) readRun();
    }),
    { numRuns: 60 },
  );
});
