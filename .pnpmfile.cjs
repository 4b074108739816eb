// The next major versions of msw and nock, which are tested too, and what they depend on want Node.js 22. On 20 the tests give them the
// one function that they miss.
const WANT_NODE_22 = /^(msw|nock|cookie|@mswjs\/interceptors|mute-stream|@inquirer\/.*)$/

module.exports = {
  hooks: {
    readPackage(manifest) {
      if (WANT_NODE_22.test(manifest.name)) delete manifest.engines
      return manifest
    },
  },
}
