// Builds what browsers load: the notebook widget, the stream page, and the scripts of the other pages.
import { mkdir, stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const jupyter = "server_ext/openspace_server/jupyter/static";
const outputs = [
  { folder: "openspace_widget/view/static", entries: ["widget.ts", "view/widget.css"] },
  { folder: jupyter, entries: ["page.ts", "view/page.css"] },
  {
    folder: `${jupyter}/pages`,
    entries: ["home.ts", "wait.ts", "admin.ts", "door.ts", "pages.css"].map((name) => `pages/${name}`),
  },
];

for (const { folder, entries } of outputs) {
  const target = resolve(root, folder);
  await mkdir(target, { recursive: true });
  for (const entry of entries) {
    const name = entry.slice(entry.lastIndexOf("/") + 1).replace(/\.ts$/, ".js");
    const file = resolve(target, name);
    await build({
      entryPoints: [resolve(here, entry)],
      outfile: file,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      charset: "utf8",
      legalComments: "none",
    });
    process.stdout.write(`${relative(root, file)}  ${(await stat(file)).size} bytes\n`);
  }
}
