// Answers requests that come as text.
import { busy, PAGE } from "../http.ts";
import { joinLink } from "./floor_link.ts";
import { Kind } from "./floor_ring.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const HEADERS = [["Content-Type", "text/html; charset=utf-8"]];

joinLink((link, work) => (id, _kind, bytes) => {
  JSON.parse(decoder.decode(bytes));
  busy(work);
  const text = JSON.stringify([200, HEADERS, PAGE]);
  link.tell(id, Kind.BYTES, encoder.encode(text));
});
