/**
 * Installs and builds the dependencies of `npm start` and `npm test`, or reports within seconds why
 * it cannot. Runs on old versions of Node.js too, to report that they are too old. Prints to
 * standard error only.
 */

'use strict'

const { execFileSync, spawnSync } = require('child_process')
const { createHash } = require('crypto')
const fs = require('fs')
const http = require('http')
const https = require('https')
const path = require('path')

const ROOT = path.dirname(__dirname)
const PNPM = ['--yes', 'pnpm@10']
/** Maximum response time of a registry, in milliseconds. */
const REGISTRY_TIMEOUT_MS = 3000
/** Only the tests need them: other runtimes, and large libraries. Installed with `--tests`. */
const FOR_TESTS = ['@unshard/libraries', '@unshard/runtimes']
const WITH_TESTS = process.argv.includes('--tests')
/** File with the hash of the installed lock file, and with `+tests` if the packages for tests are installed too. */
const STAMP = path.join(ROOT, 'node_modules', '.unshard-setup')
const PUBLISHED = ['core', 'coalescing', 'adapters', 'unshard']

function say(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`)
}

function giveUp(...lines) {
  say(...lines)
  process.exit(1)
}

/** Requires `^20.19 || >=22.12`, like `engines` in package.json. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return
  giveUp(
    `unshard needs Node.js 20.19 or a later 20, or 22.12 and up. This is ${process.versions.node} (${process.execPath}).`,
    'Install a newer one, for example with "nvm install 22" or from https://nodejs.org/, and run the command again.',
  )
}

function isWritable(file) {
  try {
    fs.accessSync(file, fs.constants.W_OK)
    return true
  } catch (error) {
    return error.code === 'ENOENT'
  }
}

/** Returns the first folder the setup writes to that this user cannot write to. */
function readOnlyFolder() {
  const packages = path.join(ROOT, 'packages')
  const folders = fs.readdirSync(packages).map((name) => path.join(packages, name))
  const written = [ROOT, path.join(ROOT, 'node_modules')]
  for (const folder of folders) written.push(folder, path.join(folder, 'dist'), path.join(folder, 'node_modules'))
  return written.find((folder) => !isWritable(folder))
}

function lockHash() {
  return createHash('sha256')
    .update(fs.readFileSync(path.join(ROOT, 'pnpm-lock.yaml')))
    .digest('hex')
}

function isInstalled() {
  try {
    const complete = PUBLISHED.every((name) => fs.existsSync(path.join(ROOT, 'packages', name, 'node_modules')))
    const [hash, tests] = fs.readFileSync(STAMP, 'utf8').split('+')
    return complete && hash === lockHash() && (!WITH_TESTS || tests === 'tests')
  } catch (_) {
    return false
  }
}

function newest(folder) {
  let latest = 0
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    latest = Math.max(latest, entry.isDirectory() ? newest(file) : fs.statSync(file).mtimeMs)
  }
  return latest
}

/** Whether the published packages are built from the current sources. */
function isBuilt() {
  try {
    return PUBLISHED.every((name) => {
      const folder = path.join(ROOT, 'packages', name)
      return fs.statSync(path.join(folder, 'dist/bundle/index.js')).mtimeMs > newest(path.join(folder, 'src'))
    })
  } catch (_) {
    return false
  }
}

function registryUrl() {
  const given = process.env.npm_config_registry
  if (given) return given
  try {
    return execFileSync('npm', ['config', 'get', 'registry'], { cwd: ROOT, encoding: 'utf8' }).trim()
  } catch (_) {
    return 'https://registry.npmjs.org/'
  }
}

function hasProxy() {
  const names = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'npm_config_https_proxy', 'npm_config_proxy']
  return names.some((name) => Boolean(process.env[name]))
}

/** Calls back with `undefined` if the registry responds in any way, else with the problem. */
function askRegistry(url, callback) {
  let settled = false
  const settle = (problem) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    request.destroy()
    callback(problem)
  }
  const timer = setTimeout(() => settle(`no answer within ${REGISTRY_TIMEOUT_MS / 1000} s`), REGISTRY_TIMEOUT_MS)
  const { protocol, hostname, port } = new URL(url)
  // npm verifies certificates: this request only checks reachability and sends no credentials.
  const options = { hostname: hostname.replace(/^\[|\]$/g, ''), port, method: 'HEAD', path: '/', rejectUnauthorized: false }
  const request = (protocol === 'http:' ? http : https).request(options, () => settle(undefined))
  request.on('error', (error) => settle(error.code || error.message))
  request.end()
}

function run(command, args, stdio) {
  // On Windows npm and npx are shell scripts.
  return spawnSync(command, args, { cwd: ROOT, stdio, shell: process.platform === 'win32' })
}

/** @returns whether the packages are installed now. */
function install(flags, stdio) {
  const npx = [...(flags.includes('--offline') ? ['--offline'] : []), ...PNPM]
  const filter = WITH_TESTS ? [] : FOR_TESTS.flatMap((name) => ['--filter', `!${name}`])
  return run('npx', [...npx, 'install', '--frozen-lockfile', ...filter, ...flags], stdio).status === 0
}

function build() {
  const { status } = run('npm', ['run', '--silent', 'build'], ['ignore', 2, 2])
  if (status !== 0) giveUp('unshard: the build failed: see above.')
}

function finish() {
  fs.writeFileSync(STAMP, WITH_TESTS ? `${lockHash()}+tests` : lockHash())
  build()
}

function installAndBuild() {
  const registry = registryUrl()
  const online = () => {
    say(`unshard: installing packages from ${registry.replace(/\/\/[^/]*@/, '//')} (the first time, or after a change)`)
    if (!install(['--prefer-offline'], ['ignore', 2, 2])) giveUp('unshard: the packages could not be installed: see above.')
    finish()
  }
  // A proxy may reach a registry that we cannot.
  if (hasProxy()) return online()
  askRegistry(registry, (problem) => {
    if (problem === undefined) return online()
    // Packages installed earlier are in the caches.
    if (install(['--offline'], 'ignore')) return finish()
    giveUp(
      `unshard: the npm registry ${registry.replace(/\/\/[^/]*@/, '//')} cannot be reached (${problem}), and the packages are not in the caches of this machine.`,
      'Connect to it, or name another with "npm config set registry <url>", or a proxy in HTTPS_PROXY, and run the command again.',
    )
  })
}

function main() {
  checkNode()
  const readOnly = readOnlyFolder()
  if (readOnly !== undefined) {
    if (isInstalled() && isBuilt()) return say('unshard: this folder cannot be written; using the existing build')
    giveUp(
      `unshard: ${readOnly} cannot be written by this user, and the packages are not installed and built there.`,
      'Run "npm run setup" as its owner, or copy the folder to one of your own, and run the command again.',
    )
  }
  if (isInstalled()) return build()
  installAndBuild()
}

main()
