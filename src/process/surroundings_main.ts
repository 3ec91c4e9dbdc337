// Looks, with all permissions, at what is around the main module of a program that
// has not got them.

import { look } from "./surroundings.ts";

if (import.meta.main) console.log(JSON.stringify(look(Deno.args[0])));
