// A guest that does what it is here for.
export default function fibonacci() {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < 100; i++) [a, b] = [b, a + b];
  return String(a);
}
