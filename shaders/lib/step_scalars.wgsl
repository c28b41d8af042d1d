// What the kernels of optimisers read of a step; the kernel gives `struct Hyper`, the scalars of one parameter.
struct Scalars {
  refused: u32,            // not 0: the step, or one before it, was not finite (finite_check), and nothing may change
  rows: array<Hyper>,      // [parameters]
}
@group(0) @binding(1) var<storage, read> hyper: Scalars;
