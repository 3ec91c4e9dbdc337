import { assert, assertEquals } from "@std/assert";
import { Talk } from "../../src/moving/talk.ts";
import { joinLinks, settled } from "./links.ts";

interface Side {
  talk: Talk;
  heard: object[];
  ended: number;
}

function side(): Side {
  const side: Side = { talk: undefined as never, heard: [], ended: 0 };
  side.talk = new Talk({
    heard: (message) => void side.heard.push(message),
    ended: () => side.ended++,
  });
  return side;
}

function joined(): { main: Side; worker: Side } {
  const links = joinLinks();
  const [main, worker] = [side(), side()];
  worker.talk.join(links.worker, main.talk.open(links.main));
  return { main, worker };
}

Deno.test("Talk carries messages both ways, in order", async () => {
  const { main, worker } = joined();
  for (let i = 0; i < 3; i++) {
    main.talk.say({ i }, []);
    worker.talk.say({ minus: -1 - i }, []);
  }
  await settled();
  assertEquals(worker.heard, [{ i: 0 }, { i: 1 }, { i: 2 }]);
  assertEquals(main.heard, [{ minus: -1 }, { minus: -2 }, { minus: -3 }]);
});

Deno.test("Talk.say() waits for credit, and loses nothing", async () => {
  const { main, worker } = joined();
  const text = "x".repeat(300_000);
  for (let i = 0; i < 20; i++) main.talk.say({ i, text }, []);
  await settled();
  assertEquals(worker.heard.length, 20);
  assertEquals(worker.heard.at(-1), { i: 19, text });
});

Deno.test("Talk.close() ends both sides, once", async () => {
  const { main, worker } = joined();
  worker.talk.say({ last: true }, []);
  worker.talk.close();
  worker.talk.close();
  await settled();
  assertEquals(main.heard, [{ last: true }]);
  assertEquals([main.ended, worker.ended], [1, 0]);
  assert(!main.talk.isOpen && !worker.talk.isOpen);
});

Deno.test("Talk.takeBack() lets a talk continue with another thread", async () => {
  const main = side();
  main.talk.open(joinLinks().main);
  main.talk.takeBack();
  const links = joinLinks();
  const worker = side();
  worker.talk.join(links.worker, main.talk.open(links.main));
  worker.talk.say({ here: true }, []);
  await settled();
  assertEquals(main.heard, [{ here: true }]);
});
