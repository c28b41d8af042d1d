// The two-operand ops, chosen by OP (the order of BINARY in src/ops/pointwise.ts), for one Element.
override OP: u32 = 0u;

fn apply(x: Element, y: Element) -> Element {
  switch OP {
    case 0u: { return x + y; }
    case 1u: { return x - y; }
    case 2u: { return x * y; }
    case 3u: { return x / y; }
    case 4u: { return larger(x, y); }
    case 5u: { return smaller(x, y); }
    default: { return raise(x, y); }
  }
}
