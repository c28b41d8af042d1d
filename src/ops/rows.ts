// Elementwise ops as rows of one table: the name; the value in WGSL; the gradient. Helpers are those of shaders/lib/activation and
// shaders/lib/power. WGSL promises no NaN: `nan_or(v, …)` lets v's through where a function of the value's own does not.

import * as libs from '../gpu/shader-libs.gen.ts';

type Libs = Readonly<Record<string, string>>;
const power: Libs = { power: libs.power, logarithm: libs.logarithm };

/** `y` of `v` (and `params.alpha`, `params.beta`); `d_x` of `d` = d_y and of `v`, or of `y` alone where that is cheaper. */
export type UnaryRow = readonly [name: string, y: string, dX: string, libs?: Libs];
/** `out` of `x` and `y`. */
export type BinaryRow = readonly [name: string, out: string, none?: undefined, libs?: Libs];

export const neg: UnaryRow = ['neg', 'nan_or(v, -v)', '-d'];
export const abs: UnaryRow = ['abs', 'nan_or(v, abs(v))', 'd * sign_of(v)'];
export const exp: UnaryRow = ['exp', 'nan_or(v, exp(v))', 'd * y'];
export const log: UnaryRow = ['log', 'logarithm(v)', 'd / v'];
export const sqrt: UnaryRow = ['sqrt', 'root(v)', 'd * (0.5 / y)'];
export const reciprocal: UnaryRow = ['reciprocal', 'nan_or(v, 1.0 / v)', 'd * (-y * y)'];
export const square: UnaryRow = ['square', 'nan_or(v, v * v)', 'd * (2.0 * v)'];
export const sigmoid: UnaryRow = ['sigmoid', 'sigmoid(v)', 'd * (y * (1.0 - y))'];
export const tanh: UnaryRow = ['tanh', 'tanh_safe(v)', 'd * (1.0 - y * y)'];
export const relu: UnaryRow = ['relu', 'nan_or(v, max(v, 0.0))', 'select(d, 0.0, !is_nan(v) && v <= 0.0)'];
export const gelu: UnaryRow = ['gelu', 'nan_or(v, gelu(v))', 'd * gelu_slope(v)'];
export const silu: UnaryRow = [
  'silu',
  'nan_or(v, v * sigmoid(v))',
  'd * (sigmoid(v) * (1.0 + v * (1.0 - sigmoid(v))))',
];
export const softplus: UnaryRow = ['softplus', 'softplus(v)', 'd * sigmoid(v)'];
export const sign: UnaryRow = ['sign', 'sign_of(v)', '0.0'];
export const floor: UnaryRow = ['floor', 'nan_or(v, floor(v))', '0.0'];
export const ceil: UnaryRow = ['ceil', 'nan_or(v, ceil(v))', '0.0'];
export const sin: UnaryRow = ['sin', 'nan_or(v, sin(v))', 'd * cos(v)'];
export const cos: UnaryRow = ['cos', 'nan_or(v, cos(v))', 'd * -sin(v)'];
export const round: UnaryRow = ['round', 'nan_or(v, round(v))', '0.0'];
export const rsqrt: UnaryRow = ['rsqrt', 'nan_or(v, 1.0 / root(v))', 'd * (-0.5 * y * y * y)'];
export const erf: UnaryRow = ['erf', 'nan_or(v, erf(v))', 'd * nan_or(v, erf_slope(v))'];
export const log1p: UnaryRow = ['log1p', 'nan_or(v, log_plus_one(v))', 'd / (v + 1.0)'];
export const expm1: UnaryRow = ['expm1', 'nan_or(v, exp_minus_one(v))', 'd * (y + 1.0)'];
export const geluTanh: UnaryRow = ['geluTanh', 'nan_or(v, gelu_tanh(v))', 'd * gelu_tanh_slope(v)'];
export const leakyRelu: UnaryRow = [
  'leakyRelu',
  'nan_or(v, select(v * params.alpha, v, v > 0.0))',
  'select(d * params.alpha, d, !is_nan(v) && v > 0.0)',
];
export const elu: UnaryRow = [
  'elu',
  'nan_or(v, select(params.alpha * exp_minus_one(v), v, v > 0.0))',
  'select(d * params.alpha * nan_or(v, exp(v)), d, !is_nan(v) && v > 0.0)',
];
export const affine: UnaryRow = ['affine', 'nan_or(v, v * params.alpha + params.beta)', 'd * params.alpha'];
export const divScalar: UnaryRow = ['divScalar', 'nan_or(v, v / params.alpha)', 'd * (1.0 / params.alpha)'];
export const powScalar: UnaryRow = [
  'powScalar',
  'power_of(v, params.alpha)',
  'select(d * power_of_slope(v, params.alpha), 0.0, params.alpha == 0.0)',
  power,
];
/** Huber's loss of an error, params.alpha being where it becomes linear. */
export const huber: UnaryRow = [
  'huber',
  'nan_or(v, select(params.alpha * (abs(v) - 0.5 * params.alpha), 0.5 * v * v, abs(v) <= params.alpha))',
  'd * limited(v, -params.alpha, params.alpha)',
];
/** v log v, 0 of 0. */
export const entropy: UnaryRow = ['entropy', 'select(v * logarithm(v), 0.0, v == 0.0)', 'd * (logarithm(v) + 1.0)'];
/** A power of what is never negative, as norms take: where it is 0, so is its gradient. */
export const rootAtZero: UnaryRow = [
  'rootAtZero',
  'power_of(v, params.alpha)',
  'select(d * power_of_slope(v, params.alpha), 0.0, v == 0.0)',
  power,
];
export const clamp: UnaryRow = [
  'clamp',
  'limited(v, params.alpha, params.beta)',
  'select(d, 0.0, is_nan(v) || v < params.alpha || v > params.beta)',
];

export const add: BinaryRow = ['add', 'x + y'];
export const sub: BinaryRow = ['sub', 'x - y'];
export const mul: BinaryRow = ['mul', 'x * y'];
export const div: BinaryRow = ['div', 'x / y'];
export const maximum: BinaryRow = ['maximum', 'larger(x, y)'];
export const minimum: BinaryRow = ['minimum', 'smaller(x, y)'];
export const pow: BinaryRow = ['pow', 'raise(x, y)', undefined, power];
// The slopes of pow, for f32 alone.
export const powerSlope: BinaryRow = ['powerSlope', 'power_slope(x, y)', undefined, power];
export const exponentSlope: BinaryRow = ['exponentSlope', 'exponent_slope(x, y)', undefined, power];

// Comparisons, of `x`, `y` and `ordered`: whether neither is NaN.
export const eq: BinaryRow = ['eq', 'ordered && x == y'];
export const ne: BinaryRow = ['ne', '!ordered || x != y'];
export const lt: BinaryRow = ['lt', 'ordered && x < y'];
export const le: BinaryRow = ['le', 'ordered && x <= y'];
export const gt: BinaryRow = ['gt', 'ordered && x > y'];
export const ge: BinaryRow = ['ge', 'ordered && x >= y'];
