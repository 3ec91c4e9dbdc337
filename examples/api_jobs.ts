// The jobs of examples/api.ts: users in a SQLite database, which each worker opens
// once. Errors arrive with their class, so the server can choose the HTTP status.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { onStop, workerData } from "@spindle/thread-pool/worker";

// Other workers write too: wait for up to two seconds until the database is free.
const database = new DatabaseSync(workerData<string>(), { timeout: 2_000 });
onStop(() => database.close());
database.exec(`CREATE TABLE IF NOT EXISTS user (
  name TEXT PRIMARY KEY, since TEXT NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL
) STRICT`);

const select = database.prepare("SELECT * FROM user WHERE name = ?");
const add = database.prepare("INSERT OR IGNORE INTO user VALUES (?, ?, ?, ?)");

/** Public data of a user. */
export interface User {
  name: string;
  since: string;
}

export function find(name: string): User {
  const row = select.get(name);
  if (!row) throw new Deno.errors.NotFound("No such user");
  return { name, since: String(row.since) };
}

/** Adds a user. */
export function signUp(body: string): User {
  const { name, password } = credentials(body);
  const salt = randomBytes(16);
  const user = { name, since: new Date().toISOString() };
  const { changes } = add.run(name, user.since, salt, hash(password, salt));
  if (changes === 0) throw new Deno.errors.AlreadyExists("The name is taken");
  return user;
}

/** Checks a password. Takes the same time if the user does not exist. */
export function logIn(body: string): User {
  const { name, password } = credentials(body);
  const row = select.get(name);
  const actual = hash(password, row?.salt as Uint8Array ?? randomBytes(16));
  if (row && timingSafeEqual(actual, row.hash as Uint8Array)) return find(name);
  throw new Deno.errors.PermissionDenied("Wrong name or password");
}

function credentials(body: string): { name: string; password: string } {
  const { name, password } = JSON.parse(body) ?? {};
  if (typeof name === "string" && typeof password === "string") {
    return { name, password };
  }
  throw new SyntaxError("Expected a name and a password");
}

// Takes 16 MiB and about 50 ms. The function is synchronous, so at most one runs
// per worker, and urgent jobs go before waiting logins.
function hash(password: string, salt: Uint8Array): Uint8Array {
  return scryptSync(password.normalize(), salt, 32, { N: 2 ** 14, r: 8, p: 1 });
}
