// Builds dist/: the command line and the shim, each bundled with all it needs.
import { chmod, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'vite'

const root = path.resolve(import.meta.dirname, '..')
const sources = ['src-main', 'src-shim', 'package.json', 'scripts/build.mjs']
const outputs = ['dist/cli/patchbay.mjs', 'dist/shim/shim.mjs']

/**
 * @param {string} place
 * @returns {Promise<number>}
 */
async function newest(place) {
  const entry = await stat(place)
  if (!entry.isDirectory()) return entry.mtimeMs
  const names = await readdir(place, { recursive: true })
  const times = await Promise.all(names.map(async (name) => (await stat(path.join(place, name))).mtimeMs))
  return Math.max(entry.mtimeMs, ...times)
}

async function isStale() {
  const built = await Promise.all(
    outputs.map((output) =>
      stat(path.join(root, output)).then(
        (s) => s.mtimeMs,
        () => 0,
      ),
    ),
  )
  const written = await Promise.all(sources.map((source) => newest(path.join(root, source))))
  return Math.min(...built) < Math.max(...written)
}

/**
 * @param {string} input
 * @param {string} outDir
 * @param {string} name
 */
async function bundle(input, outDir, name) {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: true,
      target: 'node20',
      outDir,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: {
        input: { [name]: input },
        output: { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
      },
    },
  })
}

async function buildAll() {
  await bundle('src-shim/main.ts', 'dist/shim', 'shim')
  await bundle('src-main/cli/main.ts', 'dist/cli', 'patchbay')
  await Promise.all(outputs.map((output) => chmod(path.join(root, output), 0o755)))
}

/** Builds when a source is newer than what was built from it. */
export async function buildStale() {
  if (await isStale()) await buildAll()
}

if (process.argv[1] === import.meta.filename)
  await (process.argv.includes('--stale') ? buildStale() : buildAll())
