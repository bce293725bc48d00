// Bundles the two entries: the notebook widget and the stand-alone page share everything but their last few lines.
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const outputs = [
  { entry: "widget.ts", folder: "openspace_widget/view/static", name: "widget" },
  { entry: "page.ts", folder: "server_ext/openspace_server/jupyter/static", name: "page" },
];

for (const { entry, folder, name } of outputs) {
  const target = resolve(root, folder);
  await mkdir(target, { recursive: true });
  const shared = { bundle: true, minify: true, target: "es2022", charset: "utf8", legalComments: "none" };
  await build({
    ...shared,
    entryPoints: [resolve(here, entry)],
    format: "esm",
    outfile: resolve(target, `${name}.js`),
  });
  await build({ ...shared, entryPoints: [resolve(here, `view/${name}.css`)], outfile: resolve(target, `${name}.css`) });
  for (const extension of ["js", "css"]) {
    const file = resolve(target, `${name}.${extension}`);
    process.stdout.write(`${folder}/${name}.${extension}  ${(await stat(file)).size} bytes\n`);
  }
}
