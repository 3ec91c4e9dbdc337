// Tests the JSON API example, run by the command in its header.
import { assert, assertEquals } from "@std/assert";
import { Example, withFolder } from "./example.ts";

Deno.test("api.ts signs up, logs in and finds users, and refuses other requests", async () => {
  await withFolder(async (folder) => {
    await using server = await Example.serve("api.ts", {
      args: ["0", `${folder}/users.db`],
    });
    const ask = async (path: string, body?: unknown) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: body === undefined ? "GET" : "POST",
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const { name } = await response.json();
      return [response.status, name];
    };
    const ada = { name: "ada", password: "lovelace" };
    assertEquals(await ask("/users?name=ada"), [404, undefined]);
    assertEquals(await ask("/users", ada), [200, "ada"]);
    assertEquals(await ask("/users", ada), [409, undefined]);
    assertEquals(await ask("/users?name=ada"), [200, "ada"]);
    assertEquals(await ask("/login", ada), [200, "ada"]);
    const wrong = { ...ada, password: "byron" };
    assertEquals(await ask("/login", wrong), [401, undefined]);
    const unknown = { ...ada, name: "eve" };
    assertEquals(await ask("/login", unknown), [401, undefined]);
    assertEquals(await ask("/login", {}), [400, undefined]);
    assertEquals(await ask("/nowhere"), [404, undefined]);
    // More logins than can wait at once. Lookups have priority.
    const logins = Array.from({ length: 100 }, () => ask("/login", ada));
    assertEquals(await ask("/users?name=ada"), [200, "ada"]);
    const statuses = (await Promise.all(logins)).map(([status]) => status);
    assert(statuses.includes(200));
    const others = statuses.filter((status) => status !== 200);
    assert(others.every((status) => status === 503 || status === 504));
    if (Deno.build.os === "windows") return;
    server.kill("SIGINT");
    assertEquals(await server.code(), 0);
  }, "examples");
});
