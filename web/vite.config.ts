import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { type Plugin, defineConfig } from "vite";

const output = fileURLToPath(
  new URL("../src/beffroi/foundation/web/static/built", import.meta.url),
);

/** The worker of MapLibre is copied as it is: its last line names a source map that is not shipped. */
const withoutSourceMapLine: Plugin = {
  name: "without-source-map-line",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "asset" || !file.fileName.endsWith(".js")) continue;
      const text = typeof file.source === "string" ? file.source : new TextDecoder().decode(file.source);
      file.source = text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "\n");
    }
  },
};

const COMPRESSIBLE = /\.(js|css|svg)$/;
const WORTH_IT = 0.9; // a drawing of two hundred octets does not get smaller

/**
 * Write each file compressed beside itself, once and as hard as can be: the server sends the smallest
 * that the browser reads. Browsers speak brotli over TLS and to localhost, gzip everywhere.
 */
const compressedBeside: Plugin = {
  name: "compressed-beside",
  async writeBundle(options, bundle) {
    const folder = options.dir ?? output;
    await Promise.all(Object.keys(bundle).filter((name) => COMPRESSIBLE.test(name)).map(async (name) => {
      const content = await readFile(join(folder, name));
      const brotli = { params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      } };
      const packed = { br: promisify(brotliCompress)(content, brotli), gz: promisify(gzip)(content, { level: 9 }) };
      for (const [extension, made] of Object.entries(packed)) {
        const octets = await made;
        if (octets.length < WORTH_IT * content.length) await writeFile(join(folder, `${name}.${extension}`), octets);
      }
    }));
  },
};

// Relative addresses: the files are found wherever the static files are served from.
export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [withoutSourceMapLine, compressedBeside],
  build: {
    outDir: output,
    emptyOutDir: true,
    assetsDir: ".",
    manifest: "manifest.json",
    license: { fileName: "third-party-licenses.md" },
    target: "es2022",
    sourcemap: false,
    // A policy without `data:` fonts or scripts: only small drawings are written inside another file.
    assetsInlineLimit: (file) => file.endsWith(".svg"),
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200, // MapLibre is one module, loaded by map pages alone
    rolldownOptions: {
      input: ["src/base.ts", "src/map.ts", "src/chart.ts", "src/styles.css"],
      // htmx holds an `eval` that our configuration (allowEval) and the security policy both refuse.
      checks: { eval: false },
      output: {
        // Web servers do not all know that `.mjs` is JavaScript, and browsers insist.
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".mjs"))
            ? "[name]-[hash].js"
            : "[name]-[hash][extname]",
      },
    },
  },
});
