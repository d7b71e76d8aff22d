import { fileURLToPath } from "node:url";
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

// Relative addresses: the files are found wherever the static files are served from.
export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [withoutSourceMapLine],
  build: {
    outDir: output,
    emptyOutDir: true,
    assetsDir: ".",
    manifest: "manifest.json",
    license: { fileName: "third-party-licenses.md" },
    target: "es2022",
    sourcemap: false,
    // A policy without `data:` fonts or scripts: nothing is written inside another file.
    assetsInlineLimit: 0,
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
