export { at, map, type Nd, nd, randomNd } from '../src/entry/nd.ts';
