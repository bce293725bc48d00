// Builds what browsers load: the notebook widget, the stream page, and the scripts of the other pages.
// With --watch it stays, and builds again what changes: readable, with source maps.
import { mkdir, stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const watch = process.argv.includes("--watch");
const jupyter = "server_ext/openspace_server/jupyter/static";
const outputs = [
  { folder: "openspace_widget/view/static", entries: ["widget.ts", "view/widget.css"] },
  { folder: jupyter, entries: ["page.ts", "view/page.css"] },
  {
    folder: `${jupyter}/pages`,
    entries: ["home.ts", "wait.ts", "admin.ts", "door.ts", "pages.css"].map((name) => `pages/${name}`),
  },
];

/** Says what was built; of a failure esbuild itself says where and why. */
const report = (file) => ({
  name: "report",
  setup: (build) =>
    build.onEnd(async ({ errors }) => {
      if (errors.length) return;
      process.stdout.write(`${relative(root, file)}  ${(await stat(file)).size} bytes\n`);
    }),
});

for (const { folder, entries } of outputs) {
  const target = resolve(root, folder);
  await mkdir(target, { recursive: true });
  for (const entry of entries) {
    const name = entry.slice(entry.lastIndexOf("/") + 1).replace(/\.ts$/, ".js");
    const file = resolve(target, name);
    const bundle = await context({
      entryPoints: [resolve(here, entry)],
      outfile: file,
      bundle: true,
      minify: !watch,
      sourcemap: watch && "inline",
      format: "esm",
      target: "es2022",
      charset: "utf8",
      legalComments: "none",
      logLevel: "error",
      plugins: [report(file)],
    });
    await bundle.rebuild();
    if (watch) await bundle.watch();
    else await bundle.dispose();
  }
}
if (watch) process.stdout.write("watching js/\n");
