// Handles streams that were transferred here.
import * as flows from "../flow.ts";
import { post, receive } from "./worker_scope.ts";

interface Transferred extends Pick<Deno.Conn, "readable" | "writable"> {
  flow: "drainStream" | "pourStream";
  mib: number;
}

receive(async ({ flow, mib, readable, writable }: Transferred) => {
  await flows[flow]({ readable, writable }, mib);
  post("done");
});
post("ready");
