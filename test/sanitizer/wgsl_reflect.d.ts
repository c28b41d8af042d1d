// The package's ES module, which Node cannot find by the package's own name, has the types of the package.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
