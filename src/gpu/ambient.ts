// What weft's declarations need from the reader's `lib`: WebGPU's names and `Symbol.dispose`. Here they are empty, and merge
// with those of lib.dom or @webgpu/types where the reader has them; so weft asks for neither, and clashes with neither.
declare global {
  interface GPUAdapterInfo {}
  interface GPUBindGroup {}
  interface GPUBindGroupLayout {}
  interface GPUBuffer {}
  interface GPUCommandBuffer {}
  interface GPUCommandEncoder {}
  interface GPUComputePassDescriptor {}
  interface GPUComputePipeline {}
  interface GPUDevice {}
  interface GPUTexture {}
  interface GPUTextureView {}
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

export {};
