// Tensors: numbers with a shape and a dtype, kept on the GPU. Ops make new ones, `data()` brings the numbers back.
import { add, argmax, init, matmul, mean, mul, permute, reshape, softmax, sum, tensor } from 'weftgrad';

const device = await init(); // finds an adapter; what is made from now on lives on it
console.log('adapter  ', device.info.name);

const a = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
console.log('a        ', String(a), await a.data());

// A tensor is a flat row of numbers and a shape: other shapes of the same numbers cost nothing.
const column = tensor([10, 20], { shape: [2, 1] });
console.log('a + col  ', await add(a, column).data()); // [2, 3] + [2, 1]: axes of length 1 are repeated
console.log('reshaped ', reshape(a, [3, -1]).shape, ' permuted ', await permute(a, [1, 0]).data());

// [2, 3] · [3, 2] → [2, 2]
console.log('a · aᵀ   ', await matmul(a, permute(a, [1, 0])).data());
console.log('row sums ', await sum(a, 1).data(), ' mean ', await mean(a).item());

// Ids, labels and lengths are i32.
const ids = tensor([2, 0, 1], { dtype: 'i32' });
console.log('ids      ', String(ids), ' best of each row ', await argmax(softmax(mul(a, 2), -1), 1).data());

// What does not fit is refused before anything runs, with the numbers at fault.
try {
  matmul(a, a);
} catch (error) {
  console.log('refused  ', (error as Error).message);
}

device.destroy();
