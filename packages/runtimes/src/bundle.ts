/**
 * Makes one file for each test file, which every runtime can load: TypeScript is removed, and
 * imports of sources become imports of what the build made of them.
 *
 * A test file that imports only entry points gets the published bundles. A test file that imports
 * a module behind them gets the modules that the bundles are made of.
 */

import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type OnResolveArgs, type OnResolveResult, type Plugin, type PluginBuild, transform } from 'esbuild'

/** Folder of all packages. */
export const PACKAGES: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Our own packages, as tests import them. */
const OWN = /^(?:@unshard\/([a-z]+)|unshard)(?:\/([a-z0-9-]+))?$/
/** An import that a plugin has passed on: it is resolved as usual. */
const PASSED = { passed: true }

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly default?: string } | string>>
}

const manifests = new Map<string, Promise<Manifest>>()

function manifestOf(name: string): Promise<Manifest> {
  let found = manifests.get(name)
  if (found === undefined) {
    found = readFile(join(PACKAGES, name, 'package.json'), 'utf8').then((text) => JSON.parse(text) as Manifest)
    manifests.set(name, found)
  }
  return found
}

/** Returns the published file of an entry point, such as `./testing`, if the package has it. */
async function published(name: string, entry: string): Promise<string | undefined> {
  const file = (await manifestOf(name)).exports?.[entry]
  const path = typeof file === 'object' ? file.default : undefined
  return path === undefined ? undefined : join(PACKAGES, name, path)
}

/** Returns the entry point that a source file is, such as `./testing` for `testing/index.ts`. */
function entryOf(source: string): string {
  return source === 'index.js' ? '.' : `./${source.replace(/\/index\.js$/, '')}`
}

class Resolution {
  readonly #own: string
  readonly #modules: boolean
  /** Whether the test file imports a module behind the entry points of its package. */
  looksInside = false

  /** With `modules`, imports of the package `own` become the modules of its bundles. */
  constructor(own: string, modules: boolean) {
    this.#own = own
    this.#modules = modules
  }

  readonly #setup = ({ onResolve, onLoad, resolve }: PluginBuild): void => {
    onResolve({ filter: /.*/ }, async (args): Promise<OnResolveResult | undefined> => {
      if (args.kind === 'entry-point' || args.pluginData === PASSED) return undefined
      if (isBuiltin(args.path)) return { path: args.path, external: true }
      if (args.path.startsWith('.')) return this.#relative(args)
      const [own, name = 'unshard', folder] = OWN.exec(args.path) ?? []
      if (own !== undefined) return this.#built(name, folder === undefined ? 'index.js' : `${folder}/index.js`)
      const found = await resolve(args.path, { kind: args.kind, resolveDir: args.resolveDir, pluginData: PASSED })
      return found.errors.length > 0 ? { errors: found.errors } : { path: found.path, external: true }
    })
    // A bundle lies elsewhere than its test file, which may read files beside itself.
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const meta = `{ url: ${JSON.stringify(pathToFileURL(path).href)}, dirname: ${JSON.stringify(dirname(path))}, jest: globalThis.jest }`
      const source = await readFile(path, 'utf8')
      const banner = `const __meta = ${meta};`
      const { code } = await transform(source, {
        loader: 'ts',
        define: { 'import.meta': '__meta' },
        banner,
        sourcefile: path,
        sourcemap: 'inline',
      })
      return { contents: code, loader: 'js' }
    })
  }

  get plugin(): Plugin {
    return { name: 'sources become what the build made of them', setup: this.#setup }
  }

  async #relative({ path, resolveDir }: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const [name = '', folder, ...rest] = relative(PACKAGES, join(resolveDir, path)).split(sep)
    return folder === 'src' ? this.#built(name, rest.join('/')) : undefined
  }

  async #built(name: string, source: string): Promise<OnResolveResult> {
    const bundle = await published(name, entryOf(source))
    if (name === this.#own && bundle === undefined) this.looksInside = true
    const isModule = bundle === undefined || (name === this.#own && this.#modules)
    return { path: isModule ? join(PACKAGES, name, 'dist', source) : bundle, external: true }
  }
}

/** Writes the file for one test file. `own` is the package that it tests. */
export async function bundleTest(own: string, file: string, outfile: string): Promise<void> {
  const make = async (modules: boolean): Promise<Resolution> => {
    const resolution = new Resolution(own, modules)
    await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      conditions: [],
      sourcemap: 'inline',
      plugins: [resolution.plugin],
      logLevel: 'warning',
    })
    return resolution
  }
  if ((await make(false)).looksInside) await make(true)
}
