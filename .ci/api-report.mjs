/**
 * Writes the public API of the published packages to `docs/reference/api`, one report for each entry point.
 * With `--check` it writes nothing, prints each difference, and fails if there is one.
 */

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

const PACKAGES = ['core', 'coalescing', 'adapters', 'unshard']
/** Entry points without a promise to users. */
const UNREPORTED = new Set(['./internal', './package.json'])
const NOT_REPORTED = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false }

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const reports = join(root, 'docs/reference/api')
const check = process.argv.includes('--check')

/** Lists the entry points of every published package, each with the name of its report. */
async function listEntryPoints() {
  const entryPoints = []
  for (const name of PACKAGES) {
    const folder = join(root, 'packages', name)
    const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    for (const [path, { types }] of Object.entries(exports)) {
      if (UNREPORTED.has(path)) continue
      const report = [name, ...path.split('/').slice(1)].join('-')
      entryPoints.push({ folder, declarations: join(folder, types), report })
    }
  }
  return entryPoints
}

function configOf({ folder, declarations, report }, reportTempFolder) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: join(folder, 'tsconfig.json') },
      apiReport: { enabled: true, reportFileName: report, reportFolder: reports, reportTempFolder },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        // Everything is public here, and a list of undocumented members would change with every line that moves.
        extractorMessageReporting: {
          default: NOT_REPORTED,
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: NOT_REPORTED },
      },
    },
  })
}

/** Silences progress and advice of API Extractor: this script prints its own. */
function onMessage(message) {
  const { messageId, logLevel } = message
  if (messageId === 'console-api-report-diff' || logLevel === ExtractorLogLevel.Error) return
  message.logLevel = ExtractorLogLevel.None
}

async function main() {
  const entryPoints = await listEntryPoints()
  const names = new Set(entryPoints.map(({ report }) => `${report}.api.md`))
  const temporary = await mkdtemp(join(tmpdir(), 'unshard-api-'))
  const options = { localBuild: !check, printApiReportDiff: check, messageCallback: onMessage }
  await mkdir(reports, { recursive: true })
  const changed = []
  try {
    for (const entryPoint of entryPoints) {
      const { apiReportChanged, errorCount } = Extractor.invoke(configOf(entryPoint, temporary), options)
      if (errorCount > 0) throw new Error(`${entryPoint.report}: ${errorCount} errors in its declarations`)
      if (apiReportChanged) changed.push(`${entryPoint.report}.api.md`)
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  for (const file of await readdir(reports)) {
    if (names.has(file) || !file.endsWith('.api.md')) continue
    changed.push(`${file} (no such entry point)`)
    if (!check) await rm(join(reports, file))
  }
  const list = changed.map((name) => `\n  docs/reference/api/${name}`).join('')
  if (changed.length === 0) return console.log(`${names.size} API reports match the declarations`)
  if (!check) return console.log(`${changed.length} of ${names.size} API reports written:${list}`)
  console.error(`${changed.length} of ${names.size} API reports differ; run "npm run api" and commit the result:${list}`)
  process.exitCode = 1
}

await main()
