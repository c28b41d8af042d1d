// The part of every compiled kernel that is the same for all: arithmetic, checks of memory, and the order of invocations. It is
// text, for it closes over the compiled kernel's own variables (see compile.ts), where V8 keeps them fast.

/** Words nobody wrote hold this: a NaN that no arithmetic makes (src/gpu/poison.ts fills freed memory with it). */
export { POISON_WORD } from '../../src/gpu/poison.ts';

export const ARITHMETIC = `
const fr = Math.fround, imul = Math.imul;
const bits = new Uint32Array(1), floats = new Float32Array(bits.buffer);
function divU(a, b) { return b === 0 ? a : Math.floor(a / b); }
function modU(a, b) { return b === 0 ? 0 : a % b; }
function divI(a, b) { return b === 0 ? a : (a / b) | 0; }
function modI(a, b) { return b === 0 ? 0 : (a % b) | 0; }
function maxF(a, b) { return a < b || a !== a ? b : a; }
function minF(a, b) { return b < a || a !== a ? b : a; }
function toU(x) { return x > 0 ? (x < 4294967295 ? Math.floor(x) : 4294967295) : 0; }
function toI(x) { return x !== x ? 0 : x > 2147483647 ? 2147483647 : x < -2147483648 ? -2147483648 : Math.trunc(x); }
function castFU(x) { floats[0] = x; return bits[0]; }
function castUF(x) { bits[0] = x; return floats[0]; }
function roundEven(x) { const f = Math.floor(x), d = x - f; return d < 0.5 ? f : d > 0.5 ? f + 1 : f % 2 === 0 ? f : f + 1; }
function pop(x) { let n = 0; for (; x !== 0; x = (x & (x - 1)) >>> 0) n++; return n; }
function rev(x) { let r = 0; for (let i = 0; i < 32; i++) r = (r << 1) | ((x >>> i) & 1); return r >>> 0; }
`;

/**
 * Shadow of a memory, five words to a word: period and lane (with the site) of the last write, of the last read, and the period
 * of the first read. A period is what one workgroup does between two barriers; numbers of periods only grow, so that nothing has to be
 * cleared between dispatches. Where several lanes read in a period its lane is MANY. What is older than `base` is forgotten: another
 * dispatch, or, in workgroup memory, another workgroup.
 */
export const CHECKS = `
const MANY = 2047;
function wrote(S, at, site, mem, stride, p, base) {
  const s = 5 * at, w = S[s];
  if (w >= base && (w < groupBase || (w === p && (S[s + 1] & 2047) !== lane)))
    rt.race(site, mem, Math.floor(at / stride), grp, lane, 'written', 'written', w, S[s + 1]);
  else if (S[s + 4] >= base && S[s + 4] < groupBase)
    rt.race(site, mem, Math.floor(at / stride), grp, lane, 'written', 'read', S[s + 4], S[s + 3]);
  else if (S[s + 2] === p && (S[s + 3] & 2047) !== lane)
    rt.race(site, mem, Math.floor(at / stride), grp, lane, 'written', 'read', p, S[s + 3]);
  S[s] = p;
  S[s + 1] = lane | (site << 11);
}
function read(S, at, site, mem, stride, p, base) {
  const s = 5 * at, w = S[s];
  if (w >= base && (w < groupBase || (w === p && (S[s + 1] & 2047) !== lane)))
    rt.race(site, mem, Math.floor(at / stride), grp, lane, 'read', 'written', w, S[s + 1]);
  if (S[s + 2] === p) {
    if ((S[s + 3] & 2047) !== lane) S[s + 3] = MANY | (site << 11);
  } else {
    if (S[s + 4] < base) S[s + 4] = p;
    S[s + 2] = p;
    S[s + 3] = lane | (site << 11);
  }
}
function out(site, mem, i, n) {
  rt.bounds(site, mem, i, n, grp, lane);
  return n > 0 ? n - 1 : 0;
}
function peer(site, from, n) {
  if (from >= 0 && from < n) return from;
  rt.absent(site, grp, lane, from);
  return 0;
}
function texel(T, x, y, site, mem) {
  if (x >= T.width || y >= T.height) {
    rt.bounds(site, mem, x >= T.width ? x : y, x >= T.width ? T.width : T.height, grp, lane);
    x = Math.min(x, T.width - 1);
    y = Math.min(y, T.height - 1);
  }
  const at = 4 * (y * T.width + x);
  if (T.words[at] === POISON) rt.init(site, mem, at / 4, grp, lane);
  return at;
}
`;

/** What an invocation yields: a site and one of these. */
export const DRIVER = `
const WORKGROUP = 1, STORAGE = 2, SUBGROUP = 3;
const given = new Array(SIZE).fill(0), got = new Array(SIZE).fill(0);
const at = new Int32Array(SIZE);   // what each invocation waits for: -1 done, else 4 * site + kind
function period() {
  const p = Math.max(per, perW) + 1;
  marks.push(grp);
  return p;
}
function start(l) {
  lane = l;
  reset();
}
function runGroup(x, y, z, nx, ny, nz, S) {
  const lanes = [];
  for (let l = 0; l < SIZE; l++) lanes.push(main(x, y, z, nx, ny, nz, l, S));
  for (let l = 0; l < SIZE; l++) start(l);
  const go = (l) => {
    lane = l;
    const r = lanes[l].next();
    at[l] = r.done ? -1 : r.value;
  };
  for (let l = 0; l < SIZE; l++) at[l] = 0;
  for (;;) {
    for (let first = 0; first < SIZE; first += S) {
      const end = Math.min(first + S, SIZE);
      for (let l = first; l < end; l++) if (at[l] !== -1) go(l);
      for (;;) {
        let asks = -1;
        for (let l = first; l < end && asks < 0; l++) if (at[l] >= 0 && (at[l] & 3) === SUBGROUP) asks = l;
        if (asks < 0) break;
        for (let l = first; l < end; l++)
          if (at[l] !== at[asks]) {
            rt.sync(at[asks] >> 2, grp, asks, l, at[l] < 0 ? -1 : at[l] >> 2);
            return false;
          }
        exchange(at[asks] >> 2, first, end);
        for (let l = first; l < end; l++) go(l);
      }
    }
    let waits = -1;
    for (let l = 0; l < SIZE && waits < 0; l++) if (at[l] >= 0) waits = l;
    if (waits < 0) return true;
    for (let l = 0; l < SIZE; l++)
      if (at[l] !== at[waits]) {
        rt.sync(at[waits] >> 2, grp, waits, l, at[l] < 0 ? -1 : at[l] >> 2);
        return false;
      }
    const p = period();
    if ((at[waits] & 3) === WORKGROUP) perW = p;
    else per = p;
  }
}
function exchange(site, first, end) {
  const fold = FOLDS[SITES[site].op];
  if (fold) {
    let all = given[first];
    for (let l = first + 1; l < end; l++) all = fold(all, given[l]);
    for (let l = first; l < end; l++) got[l] = all;
    return;
  }
  // What each lane gave, for all of them to choose from.
  const all = given.slice(first, end);
  for (let l = first; l < end; l++) got[l] = all;
}
const FOLDS = {
  'subgroupAdd f32': (a, b) => fr(a + b), 'subgroupAdd u32': (a, b) => (a + b) >>> 0, 'subgroupAdd i32': (a, b) => (a + b) | 0,
  'subgroupMul f32': (a, b) => fr(a * b), 'subgroupMul u32': (a, b) => imul(a, b) >>> 0, 'subgroupMul i32': imul,
  'subgroupMax f32': maxF, 'subgroupMax u32': Math.max, 'subgroupMax i32': Math.max,
  'subgroupMin f32': minF, 'subgroupMin u32': Math.min, 'subgroupMin i32': Math.min,
  'subgroupAnd u32': (a, b) => (a & b) >>> 0, 'subgroupOr u32': (a, b) => (a | b) >>> 0, 'subgroupXor u32': (a, b) => (a ^ b) >>> 0,
  'subgroupAll bool': (a, b) => a && b, 'subgroupAny bool': (a, b) => a || b,
};
function run(nx, ny, nz, S, first, most) {
  base = first;
  per = perW = first - 1;
  steps = 0;
  budget = most;
  SUB = S;
  marks.length = 0;
  grp = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++) {
        per = perW = groupBase = period();
        zero();
        if (YIELDS) {
          if (!runGroup(x, y, z, nx, ny, nz, S)) return Math.max(per, perW) + 1;
        } else
          for (let l = 0; l < SIZE; l++) {
            start(l);
            main(x, y, z, nx, ny, nz, l, S);
          }
        grp++;
      }
  return Math.max(per, perW) + 1;
}
`;
