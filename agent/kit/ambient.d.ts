// What the bundler knows and the compiler does not: assets imported as files or text, and the constants
// that `installers/build.ts` defines. `*.html`, `*.txt`, `*.yaml` and the like come from bun-types.

/** `import path from '#dist/….tar.zst' with { type: 'file' }`: a path, inside the binary once compiled. */
declare module '*.tar.zst' {
  const path: string;
  export default path;
}

/** `import text from './0001-….sql' with { type: 'text' }`. */
declare module '*.sql' {
  const text: string;
  export default text;
}

/** With `{ type: 'text' }` the style sheet itself, with `{ type: 'file' }` its path. */
declare module '*.css' {
  const textOrPath: string;
  export default textOrPath;
}

/** Version of package.json; absent when run from source. Read it through agent/kit/build-info.ts. */
declare const VERSION: string | undefined;
/** Commit that was built, '+dirty' with local changes, 'unknown' outside git; absent when run from source. */
declare const COMMIT: string | undefined;
/** Platform that the binary was built for, e.g. `linux-x64`; absent when run from source. */
declare const TARGET: string | undefined;

/** The path of Swagger UI, with `{ type: 'file' }`; the package carries no types. */
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  const path: string;
  export default path;
}

/** The path of ECharts, with `{ type: 'file' }`: the one file that a browser takes. */
declare module 'echarts/dist/echarts.min.js' {
  const path: string;
  export default path;
}
